// The inbox as a product manager works in it: one key a decision, two people at once, and the way from a complaint to the proof that it is gone.
import { awake, expect, test, type Gateway } from "./fixtures";
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
  await expect(page.getByText("assigned to product@shop.example")).toBeVisible();
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

test("from complaints to the proof that they are gone, in the browser", async ({ gateway, as }) => {
  test.setTimeout(180_000);
  for (let i = 0; i < 8; i++) await complain(gateway, `lost-${i}`, `It forgot my parcel code ${i % 2 ? "again" : "once more"}`, { categories: ["forgot_context"] });
  for (let i = 0; i < 30; i++) await gateway.call("Is it raining?", { user: `calm-${i}` });
  const page = await as("product");

  // The theme rises by itself within a minute.
  await expect(async () => {
    await page.goto("/themes");
    await expect(page.getByRole("link", { name: /parcel code/ })).toBeVisible({ timeout: 1_000 });
  }).toPass({ timeout: 60_000 });
  await page.getByRole("link", { name: /parcel code/ }).click();
  await page.getByRole("link", { name: "Make issue" }).click();
  await expect(page.getByText("All feedback of the theme becomes part of it.")).toBeVisible();
  await page.getByLabel("Title").fill("Forgets the parcel code");
  await page.getByLabel("Owner").selectOption("Me");
  await page.getByRole("button", { name: "Make the issue" }).click();
  await expect(page.getByRole("heading", { level: 1, name: /Forgets the parcel code/ })).toBeVisible();
  await expect(page.getByRole("link", { name: "8 pieces of feedback", exact: true })).toBeVisible();

  await page.getByRole("button", { name: "Look into it" }).click();
  await page.getByLabel("What happened").fill("The prompt does not speak of what was said before.");
  await page.getByRole("button", { name: "Save the cause" }).click();
  await expect(page.getByText("The prompt does not speak of what was said before.").first()).toBeVisible();

  // A new version goes to a part of the users.
  const admin = await as("admin");
  const version = { note: "Remembers", messages: [{ role: "system", content: "Use what the customer said before." }] };
  expect((await page.request.post("/api/v1/prompts/support/versions", { data: version })).status()).toBe(201);
  const route = (await (await admin.request.get("/api/v1/routes/support-bot")).json()) as { revision: number; variants: Record<string, unknown>[] };
  const variants = route.variants.map((v) => (v.name === "candidate" ? { ...v, prompt: "support@3", weight: 50 } : { ...v, weight: 50 }));
  const changed = await admin.request.put("/api/v1/routes/support-bot", { data: { ...route, variants } });
  expect(changed.status(), await changed.text()).toBe(200);
  await page.locator("summary").filter({ hasText: "What was done" }).click();
  await page.getByLabel("Which").fill("support@3");
  await page.getByRole("button", { name: "Save the fix" }).click();
  await expect(page.getByText("Watching the fix").first()).toBeVisible();
  await gateway.variantsOf(Array.from({ length: 160 }, (_, i) => `fixed-${i}`));
  await expect(async () => {
    await page.reload();
    await expect(page.getByText("this issue can be closed")).toBeVisible({ timeout: 1_000 });
  }).toPass({ timeout: 40_000 });
  await page.getByRole("button", { name: "Close: it is better" }).click();
  await expect(page.getByText(/8 reporters are told/)).toBeVisible();
});
