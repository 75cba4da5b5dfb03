// What moves by itself on an open page.
import { awake, expect, test } from "./fixtures";
import type { Page } from "@playwright/test";

test.use({ world: "live" });

function tile(page: Page, label: string) {
  return page.getByRole("region", { name: "Key figures" }).getByRole("link").filter({ hasText: label });
}

async function shares(page: Page): Promise<number[]> {
  const fields = await page.getByRole("textbox", { name: /^Percent of/ }).all();
  return Promise.all(fields.map(async (field) => Number(await field.inputValue())));
}

function sum(numbers: number[]): number {
  return Math.round(numbers.reduce((all, n) => all + n, 0) * 100) / 100;
}

test("the overview follows calls and feedback without being loaded again", async ({ gateway, as }) => {
  const page = await as("product");
  await page.goto("/");
  await awake(page);
  await page.evaluate(() => (document.documentElement.dataset.opened = "once"));
  const value = tile(page, "Requests").locator(".value");
  const start = Number((await value.innerText()).trim());
  for (let i = 0; i < 7; i++) await gateway.call("Is it bright?", { user: `live-${i}` });
  await expect(value).toHaveText(new RegExp(`^\\s*${start + 7}\\s*$`));
  await expect(tile(page, "Errors").locator(".value")).toHaveText(/^0\s*%$/);

  await expect(gateway.call("Fail please", { user: "live-0" })).rejects.toThrow(/mock_failure/);
  await expect(tile(page, "Errors").locator(".value")).toHaveText(/^12\.5\s*%$/);

  const answer = await gateway.call("Is it loud?", { user: "live-8" });
  await gateway.feedback(answer.token, { rating: "down", comment: "It hums in the night." });
  await expect(page.getByRole("link", { name: /It hums in the night\./ })).toBeVisible();
  await expect(tile(page, "Thumbs up")).toContainText("0 of 1 thumbs");
  await expect(page.locator(".topbar-end")).toHaveText(/^live · [1-4] s$/);
  expect(await page.evaluate(() => document.documentElement.dataset.opened)).toBe("once");
});

test("the live dot says when the numbers stop, and when they are back", async ({ gateway, as }) => {
  const page = await as("viewer");
  await page.goto("/");
  await awake(page);
  gateway.freeze();
  await expect(page.locator(".topbar-end")).toHaveText(/^no data for \d+ s$/);
  gateway.thaw();
  await awake(page);
});

test("sliders and numbers of the split always sum to 100, and a locked share stays", async ({ as }) => {
  const page = await as("admin");
  await page.goto("/routes/lab");
  await awake(page);
  expect(await shares(page)).toEqual([60, 30, 10]);
  await expect(page.getByText("Nothing changes yet.")).toBeVisible();

  await page.getByRole("slider", { name: "Share of third" }).fill("40");
  expect(await shares(page)).toEqual([40, 20, 40]);

  // By keyboard, half a percent a press.
  await page.getByRole("slider", { name: "Share of third" }).press("ArrowRight");
  const [, , third] = await shares(page);
  expect(third).toBe(40.5);
  expect(sum(await shares(page))).toBe(100);

  const lock = page.getByRole("button", { name: "Lock the share of first" });
  const [locked] = await shares(page);
  await lock.click();
  await expect(lock).toHaveAttribute("aria-pressed", "true");
  await page.getByRole("slider", { name: "Share of third" }).fill("5");
  expect((await shares(page))[0]).toBe(locked);
  expect(sum(await shares(page))).toBe(100);
  await page.getByRole("textbox", { name: "Percent of second" }).fill("99");
  await page.getByRole("textbox", { name: "Percent of second" }).press("Tab");
  expect((await shares(page))[0]).toBe(locked);
  expect((await shares(page))[2]).toBe(0);
  expect(sum(await shares(page))).toBe(100);
  await expect(page.getByRole("heading", { name: "What will change" })).toBeVisible();
});

test("the route's page shows this minute's calls by variant as they come", async ({ gateway, as }) => {
  const page = await as("viewer");
  await page.goto("/routes/lab");
  await awake(page);
  const cell = page.getByRole("row", { name: /^first/ }).locator("td.num").first();
  const seen = new Set((await gateway.variantsOf(Array.from({ length: 20 }, (_, i) => `lab-${i}`), "lab")).values());
  expect(seen).toContain("first");
  await expect(cell).toHaveText(/^[1-9]\d*$/);
});
