// The inbox as a product manager works in it: one key a decision, two people at once, and the way from a complaint to the proof that it is gone.
import { awake, expect, test, type Gateway } from "./fixtures";
import { startForeignPage } from "./foreign";
import type { Page } from "@playwright/test";

test.use({ world: "triage" });

const items = (page: Page) => page.locator('[data-list="feedback"] a.list-item');
const said = (page: Page) => page.locator("p.said");

/** One complaint of a user about an answer of its own. */
async function complain(gateway: Gateway, user: string, comment: string, more: object = {}): Promise<void> {
  const answer = await gateway.call(`Where is my order, asks ${user}?`, { user, session: `s-${user}` });
  await gateway.feedback(answer.token, { rating: "down", comment, user, ...more });
}

test("fifty pieces are decided with one key each, and the last comes back with one", async ({ gateway, as }) => {
  test.setTimeout(120_000);
  for (let i = 0; i < 50; i++) await complain(gateway, `u-${i}`, `Piece number ${i}`);
  const page = await as("product");
  await page.goto("/feedback");
  await awake(page);
  await expect(items(page)).toHaveCount(50);
  const keys = "eeersee4eeaeee1eee".split("");
  let keystrokes = 0;
  let others = 0;
  let left = 50;
  while (left > 0) {
    const key = keys[keystrokes % keys.length];
    await page.keyboard.press(key);
    keystrokes++;
    if (!"ers".includes(key)) others++;
    if (key === "e" || key === "r" || key === "s") {
      left--;
      await expect(items(page)).toHaveCount(left);
    }
  }
  // Severity and taking are decisions too and leave the piece where it is; the fifty that end its wait took one key each.
  expect(keystrokes).toBe(50 + others);
  const list = async (query: string) => ((await (await page.request.get(`/api/v1/feedback?${query}&limit=500`)).json()) as { items: unknown[] }).items;
  await expect.poll(async () => (await list("state=new")).length).toBe(0);
  expect((await list("state=all")).length, "nothing is lost").toBe(50);
  await expect(page.getByText("No feedback matches.")).toBeVisible();
  await page.keyboard.press("u");
  await expect(items(page)).toHaveCount(1);
  await expect(said(page)).toHaveText(/Taken back: 1/);
  expect((await list("state=new")).length).toBe(1);
});

test("going through the list shows each piece at once, and a tick makes many one decision", async ({ gateway, as }) => {
  for (let i = 0; i < 6; i++) await complain(gateway, `t-${i}`, `Ticked ${i}`);
  const page = await as("product");
  await page.goto("/feedback?state=new&q=Ticked");
  await awake(page);
  const quote = page.getByRole("region", { name: "What was said" }).getByRole("blockquote");
  await expect(quote).toHaveText("Ticked 5");
  await page.keyboard.press("j");
  await expect(quote).toHaveText("Ticked 4");
  await page.keyboard.press("x");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await expect(quote).toHaveText("Ticked 2");
  await page.keyboard.press("x");
  await page.keyboard.press("2");
  await expect(said(page)).toHaveText("High: 2 pieces. Undo with u.");
  await expect(items(page).filter({ hasText: "Ticked 4" }).locator(".badge").first()).toHaveText("high");
  await expect(items(page).filter({ hasText: "Ticked 2" }).locator(".badge").first()).toHaveText("high");
  await page.getByRole("combobox", { name: "Type" }).first().selectOption("Context");
  await expect(said(page)).toHaveText("Context. Undo with u.");
  await page.getByRole("region", { name: "Decide" }).getByRole("button", { name: /^Take/ }).click();
  await expect(page.getByRole("region", { name: "What was said" }).getByText("assigned to product@shop.example")).toBeVisible();
});

test("who was second is told who was first, and nothing is written over", async ({ gateway, as }) => {
  await complain(gateway, "both", "Two of us look at this");
  const [first, second] = [await as("admin"), await as("product")];
  for (const page of [first, second]) {
    await page.goto("/feedback?state=new&q=Two%20of%20us");
    await awake(page);
  }
  const id = (await items(second).getAttribute("href"))?.match(/item=([^&]+)/)?.[1] ?? "";
  // As if both had pressed at the same moment: what the second saw is from before the first one's decision, which comes in live otherwise.
  await second.route("**/api/v1/feedback/triage", async (route) => {
    const body = route.request().postDataJSON() as object;
    await route.continue({ postData: JSON.stringify({ ...body, seen: { [id]: seen } }) });
  });
  const seen = ((await (await second.request.get(`/api/v1/feedback/${id}`)).json()) as { revision: number }).revision;
  await first.keyboard.press("1");
  await expect(said(first)).toHaveText("Critical. Undo with u.");
  await expect.poll(async () => ((await (await first.request.get(`/api/v1/feedback/${id}`)).json()) as { severity: string }).severity).toBe("critical");
  await second.keyboard.press("4");
  await expect(said(second)).toHaveText(/admin@shop\.example was first: .*critical.*Yours was not written\./);
  await expect(items(second).locator(".badge").first()).toHaveText("critical");
});

test("“I don’t like this” on one variant becomes a theme, an issue, a cause, a version at 10 %, a proof, and word to who reported it", async ({ page: shop, gateway, as }) => {
  test.setTimeout(240_000);
  // Every tenth user gets the candidate, and it answers beside the point. Which ones is chance: as many ask as it takes.
  const unlucky: string[] = [];
  for (let group = 0; unlucky.length < 12 && group < 20; group++) {
    const variants = await gateway.variantsOf(Array.from({ length: 40 }, (_, i) => `guest-${group}-${i}`));
    unlucky.push(...[...variants].filter(([, variant]) => variant === "candidate").map(([user]) => user));
  }
  expect(unlucky.length).toBeGreaterThan(11);
  const words = ["Talks about floor lamps, I asked about refunds", "I asked about refunds, it advertises floor lamps", "Floor lamps instead of refunds", "Refunds! Not floor lamps."];
  // One of them presses the button under the answer, on the shop's own page.
  const answer = await gateway.call("How do refunds work?", { user: unlucky[0], session: "s-first" });
  const foreign = await startForeignPage(gateway.url, answer.token, answer.text, { attributes: `mode="inline" user="${unlucky[0]}"` });
  await shop.goto(foreign.url);
  await shop.getByRole("button", { name: "I don’t like this" }).click();
  await shop.getByRole("checkbox", { name: "Irrelevant" }).check();
  await shop.getByRole("textbox", { name: "Comment" }).fill(words[0]);
  await shop.getByRole("button", { name: "Send" }).click();
  await expect(shop.getByText("Thank you for your feedback.")).toBeVisible();
  await foreign.close();
  for (const [i, user] of unlucky.slice(1).entries()) await complain(gateway, user, words[i % words.length], { categories: ["irrelevant"] });

  // The theme rises by itself within a minute, and says whom it is about.
  const page = await as("product");
  const rising = page.getByRole("link", { name: /floor lamps|refunds/i });
  await expect(async () => {
    await page.goto("/themes");
    await expect(rising.first()).toBeVisible({ timeout: 1_000 });
  }).toPass({ timeout: 60_000 });
  await rising.first().click();
  await expect(page.getByText("support-bot · candidate")).toBeVisible();
  await expect(page.getByText("support-bot · control")).toHaveCount(0);
  await page.getByRole("link", { name: "Make issue" }).click();
  await expect(page.getByText("All feedback of the theme becomes part of it.")).toBeVisible();
  await page.getByLabel("Title").fill("Answers about floor lamps");
  await page.getByLabel("Owner").selectOption("Me");
  await page.getByRole("button", { name: "Make the issue" }).click();
  await expect(page.getByRole("heading", { level: 1, name: /Answers about floor lamps/ })).toBeVisible();
  // What joins the theme later joins the issue by itself.
  await expect(async () => {
    await page.reload();
    await expect(page.getByRole("link", { name: `${unlucky.length} pieces of feedback`, exact: true })).toBeVisible({ timeout: 1_000 });
  }).toPass({ timeout: 40_000 });

  await page.getByRole("button", { name: "Look into it" }).click();
  await page.getByLabel("What happened").fill("“Be brief” makes it skip the question.");
  await page.getByRole("button", { name: "Save the cause" }).click();
  await expect(page.getByText("“Be brief” makes it skip the question.").first()).toBeVisible();

  // A new version goes to the same tenth of the users.
  const admin = await as("admin");
  const version = { note: "Answers the question", messages: [{ role: "system", content: "Answer what the customer asks, and nothing else." }] };
  expect((await page.request.post("/api/v1/prompts/support/versions", { data: version })).status()).toBe(201);
  const route = (await (await admin.request.get("/api/v1/routes/support-bot")).json()) as { sticky_by: string; failover: object; variants: Record<string, unknown>[] };
  const changed = route.variants.map((v) => (v.name === "candidate" ? { ...v, prompt: "support@3" } : v));
  const saved = await admin.request.put("/api/v1/routes/support-bot", { data: { sticky_by: route.sticky_by, failover: route.failover, variants: changed } });
  expect(saved.status(), await saved.text()).toBe(200);
  await page.locator("summary").filter({ hasText: "What was done" }).click();
  await expect(page.getByLabel("Only of variant"), "compared where the trouble was").toHaveValue("candidate");
  await page.getByLabel("Which").fill("support@3");
  await page.getByRole("button", { name: "Save the fix" }).click();
  await expect(page.getByText("Watching the fix").first()).toBeVisible();
  await gateway.variantsOf(Array.from({ length: 400 }, (_, i) => `later-${i}`));
  await expect(async () => {
    await page.reload();
    await expect(page.getByText("this issue can be closed")).toBeVisible({ timeout: 1_000 });
  }).toPass({ timeout: 40_000 });
  await page.getByRole("button", { name: "Close: it is better" }).click();
  await expect(page.getByText(new RegExp(`${unlucky.length} reporters are told`))).toBeVisible();

  // Who reported it hears of it: by the token of their own answer.
  const items = ((await (await admin.request.get(`/api/v1/feedback?state=all&user=${unlucky[0]}`)).json()) as { items: { id: string }[] }).items;
  const status = await shop.request.get(`${gateway.url}/v1/feedback/${items[0].id}?token=${encodeURIComponent(answer.token)}`);
  expect(await status.json()).toMatchObject({ status: "resolved", message: expect.stringContaining("fixed") });
});
