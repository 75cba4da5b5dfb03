// The whole loop once: a user is unhappy, a product manager sees it at once, an admin moves traffic, and the traffic moves.
import { awake, expect, splitOf, test, type Answer, type Gateway } from "./fixtures";
import { startForeignPage } from "./foreign";
import { answerTo } from "./upstream";
import type { Page } from "@playwright/test";

test.use({ world: "story" });

/** Opens the shop's page with the widget for that answer; presses are stamped with the time. */
async function openShop(page: Page, gateway: Gateway, answer: Answer): Promise<() => Promise<void>> {
  const shop = await startForeignPage(gateway.url, answer.token, answer.text);
  await page.goto(shop.url);
  await page.evaluate(() => addEventListener("click", () => (document.documentElement.dataset.pressed = String(Date.now())), { capture: true }));
  return shop.close;
}

/** Milliseconds from the last press on the shop's page until that text stood on the other page. Both run on one clock. */
async function delay(shop: Page, inbox: Page, text: string): Promise<number> {
  const seen = await inbox.waitForFunction(
    (words) => {
      const list = document.querySelector<HTMLElement>('[data-list="feedback"]');
      return list?.innerText.includes(words) ? Date.now() : false;
    },
    text,
    { polling: "raf", timeout: 5_000 },
  );
  return Number(await seen.jsonValue()) - Number(await shop.evaluate(() => document.documentElement.dataset.pressed));
}

test("bad news from a foreign page is in the product manager's open inbox within a second", async ({ page, gateway, as }) => {
  const inbox = await as("product");
  await inbox.goto("/feedback");
  await awake(inbox);
  await expect(inbox.getByText("No feedback matches.")).toBeVisible();
  await inbox.evaluate(() => (document.documentElement.dataset.opened = "once"));

  const question = "Which lamp fits a small hall?";
  const answer = await gateway.call(question, { user: "user-1", session: "session-1" });
  expect(answer.text).toBe(answerTo(question));

  // Into the empty list it comes at once.
  const close = await openShop(page, gateway, answer);
  await page.getByRole("button", { name: "Bad answer" }).click();
  expect(await delay(page, inbox, "Thumbs down")).toBeLessThan(1_000);

  // The words and the category follow when they are sent, on the same item.
  await page.getByRole("checkbox", { name: "Forgot what I said" }).check();
  await page.getByRole("textbox", { name: "Comment" }).fill("I said the hall is small, it offers a floor lamp.");
  await page.getByRole("button", { name: "Send" }).click();
  expect(await delay(page, inbox, "I said the hall is small")).toBeLessThan(1_000);
  await expect(page.getByText("Thank you for your feedback.")).toBeVisible();
  await expect(inbox.locator('[data-list="feedback"] a.list-item')).toHaveCount(1);
  await close();

  // A second user's news does not push the list away under the reader's eyes: it is announced.
  const second = await gateway.call("Do you ship to Malmö?", { user: "user-2", session: "session-2" });
  const closeSecond = await openShop(page, gateway, second);
  await page.getByRole("button", { name: "Bad answer" }).click();
  expect(await delay(page, inbox, "1 new — show")).toBeLessThan(1_000);
  await page.getByRole("textbox", { name: "Comment" }).fill("Wrong city!");
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.getByText("Thank you for your feedback.")).toBeVisible();
  await closeSecond();
  await inbox.getByRole("button", { name: "1 new — show" }).click();
  await expect(inbox.locator('[data-list="feedback"] a.list-item')).toHaveCount(2);
  await expect(inbox.locator('[data-list="feedback"] a.list-item').first()).toContainText("Wrong city!");
  expect(await inbox.evaluate(() => document.documentElement.dataset.opened), "the page was not loaded again").toBe("once");

  // From the item to the request in one click.
  await inbox.locator('[data-list="feedback"] a.list-item').filter({ hasText: "small" }).click();
  const said = inbox.getByRole("region", { name: "What was said" });
  await expect(said.getByRole("blockquote")).toHaveText("I said the hall is small, it offers a floor lamp.");
  await expect(said.getByRole("heading", { name: "Forgot context" })).toBeVisible();
  await expect(inbox.getByRole("region", { name: "The conversation" })).toContainText(answerTo(question));
  await said.getByRole("link", { name: "Open the request" }).click();
  await expect(inbox).toHaveURL(/\/requests\/.+/);
  const main = inbox.getByRole("main");
  await expect(main.getByRole("link", { name: answer.prompt, exact: true })).toBeVisible();
  await expect(main.getByRole("link", { name: answer.variant, exact: true })).toBeVisible();
  const conversation = inbox.getByRole("region", { name: "Conversation" });
  await expect(conversation).toContainText("You help customers of the lamp shop.");
  await expect(conversation).toContainText(question);
  await expect(conversation).toContainText(answerTo(question));
  await expect(main.getByRole("link", { name: /Forgot context/ })).toBeVisible();
});

test("an admin moves the split on the page, new users follow it exactly and nobody is moved without need", async ({ gateway, as }) => {
  test.setTimeout(180_000);
  const admin = await as("admin");
  expect(await splitOf(admin, "support-bot")).toEqual({ control: 90, candidate: 10 });
  const known = Array.from({ length: 300 }, (_, i) => `before-${i}`);
  const before = await gateway.variantsOf(known);

  await admin.goto("/routes/support-bot");
  await awake(admin);
  await admin.getByRole("textbox", { name: "Percent of control" }).fill("50");
  await admin.getByRole("textbox", { name: "Percent of control" }).press("Tab");
  await expect(admin.getByRole("textbox", { name: "Percent of candidate" })).toHaveValue("50");
  await expect(admin.getByRole("slider", { name: "Share of candidate" })).toHaveValue("50");
  await expect(admin.getByText("control 90 % → 50 %.")).toBeVisible();
  await admin.getByRole("textbox", { name: "Reason" }).fill("The candidate does well.");
  await admin.getByRole("button", { name: /^Save/ }).click();
  await expect(admin.getByRole("status").filter({ hasText: "Saved. The new split is in force." })).toBeVisible();
  expect(await splitOf(admin, "support-bot")).toEqual({ control: 50, candidate: 50 });
  await expect(admin.getByRole("row", { name: /The candidate does well\./ })).toContainText("admin@shop.example");

  // Two thousand people nobody has seen before. 926 to 1,074 is the exact 99.9 % interval of a fair coin thrown 2,000 times.
  const fresh = await gateway.variantsOf(Array.from({ length: 2_000 }, (_, i) => `after-${i}`));
  const candidates = [...fresh.values()].filter((variant) => variant === "candidate").length;
  expect(new Set(fresh.values())).toEqual(new Set(["control", "candidate"]));
  expect(candidates).toBeGreaterThanOrEqual(926);
  expect(candidates).toBeLessThanOrEqual(1_074);

  // The candidate's share grew, so all its people are still there; of the others as few moved as had to: 40 of 90.
  const after = await gateway.variantsOf(known);
  const lost = known.filter((user) => before.get(user) === "candidate" && after.get(user) !== "candidate");
  expect(lost).toEqual([]);
  const control = known.filter((user) => before.get(user) === "control");
  const moved = control.filter((user) => after.get(user) === "candidate").length;
  // Five standard deviations around 4/9.
  const spread = 5 * Math.sqrt((4 / 9) * (5 / 9) * control.length);
  expect(Math.abs(moved - (4 / 9) * control.length)).toBeLessThan(spread);

  // Asked twice, everybody gets the same variant again.
  expect(await gateway.variantsOf(known)).toEqual(after);
});
