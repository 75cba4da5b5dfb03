// The page behind a link, without JavaScript, cookies or an account: said, thanked, answered; and refused when the link does not hold.
import { expect, test } from "./fixtures";
import type { Page } from "@playwright/test";

test.use({ world: "hosted" });

interface Stored {
  rating: string | null;
  stars: number | null;
  categories: string[];
  comment: string | null;
  correction: string | null;
  user: string | null;
  request_id: string;
}

/** What the API has about that answer. */
async function storedAbout(admin: Page, requestId: string): Promise<Stored[]> {
  const { items } = (await (await admin.request.get("/api/v1/feedback?state=all")).json()) as { items: Stored[] };
  return items.filter((item) => item.request_id === requestId);
}

async function everything(admin: Page): Promise<number> {
  return ((await (await admin.request.get("/api/v1/feedback?state=all&limit=500")).json()) as { items: unknown[] }).items.length;
}

const became = (page: Page) => page.getByRole("region", { name: "What became of your feedback" });

test("a bad answer is reported, thanked for, and answered when the link is opened again", async ({ page, gateway, as }) => {
  const admin = await as("admin");
  const answer = await gateway.call("Which lamp fits a hall?", { user: "mail-1" });
  const shown = await page.goto(`/f/${answer.token}`);
  expect(shown?.headers()).toMatchObject({ "referrer-policy": "no-referrer", "cache-control": "no-store", "x-robots-tag": "noindex, nofollow" });
  expect(await page.content(), "a link is passed on: the answer is not shown").not.toContain(answer.text);
  await expect(became(page)).toHaveCount(0);
  await expect(page.getByRole("group", { name: "What was wrong?" })).toBeHidden();
  await page.getByRole("radio", { name: "Bad answer" }).check();
  await page.getByRole("checkbox", { name: "Inaccurate" }).check();
  await page.getByRole("checkbox", { name: "Tone" }).check();
  await page.getByLabel("What should it have said?").fill("The small one.");
  // As many characters as are allowed, some of them ends of lines, which forms send as two.
  const lines = Array.from({ length: 600 }, (_, i) => `lamp ${i}`).join("\n");
  const long = `${lines.slice(0, 3_999)}.`;
  await page.getByLabel("Comment").fill(long);
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.getByRole("status")).toHaveText("Thank you for your feedback.");
  await expect(became(page)).toContainText("We have received it.");
  expect(await page.context().cookies()).toEqual([]);
  const [stored] = await storedAbout(admin, answer.requestId);
  expect(stored).toMatchObject({ rating: "down", stars: null, categories: ["inaccurate", "tone"], correction: "The small one." });
  expect(stored.comment).toBe(long);

  // Again: not thanked twice, nothing of the words, and the last word wins.
  await page.goto(`/f/${answer.token}`);
  await expect(page.getByRole("status")).toHaveCount(0);
  await expect(became(page)).toContainText("We have received it.");
  await expect(page.getByLabel("Comment")).toHaveValue("");
  expect(await page.content()).not.toContain("The small one.");
  await page.getByRole("radio", { name: "Good answer" }).check();
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.getByRole("status")).toHaveText("Thank you for your feedback.");
  const after = await storedAbout(admin, answer.requestId);
  expect(after, "what was wrong is taken back with it").toMatchObject([{ rating: "up", categories: [], correction: null, comment: long }]);
});

test("what others said about the same answer is not told", async ({ page, gateway }) => {
  const answer = await gateway.call("Which lamp for Ann?", { user: "ann" });
  await gateway.feedback(answer.token, { rating: "down", user: "ann", comment: "Only Ann knows this." });
  await page.goto(`/f/${answer.token}`);
  await expect(page.getByRole("heading", { level: 1, name: "Your feedback" })).toBeVisible();
  await expect(became(page)).toHaveCount(0);
  expect(await page.content()).not.toContain("Only Ann knows this.");
});

test("stars, proposed by the e-mail, in German", async ({ page, gateway, as }) => {
  const admin = await as("admin");
  const answer = await gateway.call("Welche Lampe?", { user: "mail-2" });
  await page.goto(`/f/${answer.token}?lang=de&stars=2`);
  expect((await storedAbout(admin, answer.requestId)).length, "opening a link says nothing").toBe(0);
  await expect(page.locator("html")).toHaveAttribute("lang", "de");
  await expect(page.getByRole("radio", { name: "2 von 5 Sternen" })).toBeChecked();
  await page.getByLabel("Was wäre richtig gewesen?").fill("Die kleine.");
  await page.getByRole("button", { name: "Senden" }).click();
  await expect(page.getByRole("status")).toHaveText("Danke für die Rückmeldung.");
  await expect(page.getByRole("region", { name: "Was aus Ihrer Rückmeldung wurde" })).toContainText("Wir haben sie erhalten.");
  expect(await storedAbout(admin, answer.requestId)).toMatchObject([{ rating: null, stars: 2, correction: "Die kleine." }]);
  await page.getByRole("link", { name: "Español" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Su opinión" })).toBeVisible();
});

test("the browser's language is spoken", async ({ browser, gateway, watch }) => {
  const answer = await gateway.call("Quelle lampe ?", { user: "mail-3" });
  const context = await browser.newContext({ baseURL: gateway.url, locale: "fr-CA", javaScriptEnabled: false });
  watch(context);
  const page = await context.newPage();
  await page.goto(`/f/${answer.token}`);
  await expect(page.getByRole("heading", { level: 1, name: "Votre avis" })).toBeVisible();
  await context.close();
});

test("saying nothing is said, and what was typed stays", async ({ page, gateway, as }) => {
  const admin = await as("admin");
  const answer = await gateway.call("Which lamp at all?", { user: "mail-4" });
  await page.goto(`/f/${answer.token}`);
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.getByRole("alert")).toHaveText("Please say something first.");
  const flood = await page.request.post(`/f/${answer.token}`, { form: { comment: "x".repeat(4_001), flag: "biased" } });
  expect(flood.status()).toBe(422);
  expect(await flood.text()).toContain("x".repeat(4_001));
  expect((await storedAbout(admin, answer.requestId)).length).toBe(0);
});

test("a form that cannot be read is answered in the page's language and stores nothing", async ({ page, gateway, as }) => {
  const admin = await as("admin");
  const answer = await gateway.call("Which lamp fits a hall?", { user: "mail-unreadable" });
  const before = await everything(admin);
  const said = await page.request.post(`/f/${answer.token}?lang=de`, { data: { rating: "down" } });
  expect(said.status()).toBe(422);
  expect(said.headers()).toMatchObject({ "referrer-policy": "no-referrer", "x-robots-tag": "noindex, nofollow" });
  expect(await said.text()).toContain('lang="de"');
  expect(await everything(admin)).toBe(before);
});

test("links that do not hold say so and store nothing", async ({ page, gateway, as }) => {
  const admin = await as("admin");
  const { token } = await gateway.call("Which lamp is it?", { user: "mail-5" });
  const before = await everything(admin);
  const forged = (token.startsWith("A") ? "B" : "A") + token.slice(1);
  const expired = await gateway.token(-1);
  expect((await page.request.get(`/f/${await gateway.token(30 * 24)}`)).status(), "this is how tokens are made").toBe(200);
  for (const [link, status, words] of [
    [forged, 401, "Perhaps only a part of it was copied."],
    ["hello", 401, "Perhaps only a part of it was copied."],
    [expired, 410, "Feedback is taken for 30 days."],
  ] as const) {
    expect((await page.request.get(`/f/${link}`)).status(), link).toBe(status);
    const posted = await page.request.post(`/f/${link}`, { form: { rating: "down" }, maxRedirects: 0 });
    expect(posted.status(), link).toBe(status);
    const text = await posted.text();
    expect(text).toContain("This link does not work any more");
    expect(text).toContain(words);
    expect(posted.headers()["set-cookie"]).toBeUndefined();
  }
  expect(await everything(admin)).toBe(before);
});

test("whoever is signed in can use a link too, also where the browser names no origin", async ({ gateway, as }) => {
  const colleague = await as("product");
  const answer = await gateway.call("Which lamp do we sell?", { user: "mail-6" });
  await colleague.goto(`/f/${answer.token}`);
  await colleague.getByRole("radio", { name: "Bad answer" }).check();
  await colleague.getByRole("button", { name: "Send" }).click();
  await expect(colleague.getByRole("status")).toHaveText("Thank you for your feedback.");
  const plain = await colleague.request.post(`/f/${answer.token}`, { form: { rating: "up" }, headers: { origin: "null" }, maxRedirects: 0 });
  expect(plain.status()).toBe(303);
});
