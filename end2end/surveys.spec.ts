// Surveys as people meet them: a product manager makes one, users of a foreign page answer it, and the numbers appear.
import { AxeBuilder } from "@axe-core/playwright";
import { KEY, expect, test, type Gateway } from "./fixtures";
import { startSurveyPage } from "./foreign";
import type { Page } from "@playwright/test";

test.use({ world: "surveys" });
test.describe.configure({ mode: "serial" });

async function serious(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.filter((v) => v.impact === "serious" || v.impact === "critical").map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(" | ")}`);
}

/** A page of the shop after an answer to that user. */
async function shop(gateway: Gateway, user: string, language = "en"): Promise<{ url: string; close: () => Promise<void> }> {
  const answer = await gateway.call("Which lamp fits a small hall?", { user });
  return startSurveyPage(gateway.url, `token="${answer.token}" event="answer"`, language);
}

/** Whether the page has asked, whatever it was told. */
async function asked(page: Page, url: string): Promise<number> {
  const told = page.waitForResponse((r) => r.url().includes("/v1/surveys/next"));
  await page.goto(url);
  return (await told).status();
}

const survey = (page: Page) => page.locator("hypercare-survey");

test("a product manager makes a survey and sees what will be asked", async ({ as }) => {
  const page = await as("product");
  await page.goto("/surveys");
  await expect(page.getByText("Surveys ask the users of an app one short question")).toBeVisible();
  await page.getByRole("link", { name: "New survey" }).click();
  await page.getByLabel("Name", { exact: true }).fill("launch");
  await page.getByLabel("Kind of answer").selectOption("Recommendation, 0 to 10 (NPS)");
  await page.getByLabel("Question", { exact: true }).fill("How likely are you to recommend our assistant?");
  await page.getByLabel("Asked after the score").fill("What should it do better?");
  await page.locator("summary").filter({ hasText: "In other languages" }).click();
  await page.getByLabel("Language of translation 1").fill("de");
  await page.getByLabel("Question of translation 1").fill("Würden Sie den Assistenten weiterempfehlen?");
  await page.getByLabel("Follow-up of translation 1").fill("Was sollte er besser machen?");
  await page.getByRole("button", { name: "Make the survey" }).click();
  await expect(page.getByRole("status").filter({ hasText: "The survey is made." })).toBeVisible();
  const preview = page.getByRole("region", { name: "Preview" });
  await expect(preview.getByText("How likely are you to recommend our assistant?")).toBeVisible();
  await expect(preview.getByText("10 = Extremely likely")).toBeVisible();
  await preview.locator("summary").filter({ hasText: "de" }).click();
  await expect(preview.getByText("10 = Äußerst wahrscheinlich")).toBeVisible();
  await expect(page.locator("#lines")).toContainText('<hypercare-survey token="…" event="answer"></hypercare-survey>');
  await expect(page.getByText("Nobody has answered yet.")).toBeVisible();
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    expect(await serious(page), colorScheme).toEqual([]);
  }
});

test("a page of another site asks it under a strict policy, and it is answered with the keyboard alone", async ({ page, gateway, as }) => {
  const { url, close } = await shop(gateway, "keyboard");
  await page.goto(url);
  const group = page.getByRole("radiogroup", { name: "How likely are you to recommend our assistant?" });
  await expect(group).toBeVisible();
  await expect(group.getByRole("radio")).toHaveCount(11);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await serious(page), colorScheme).toEqual([]);
  }
  // Nothing chosen: the browser says so and nothing is sent.
  await page.getByRole("button", { name: "Send" }).press("Enter");
  await expect(group).toBeVisible();
  await page.locator("body").click({ position: { x: 1, y: 1 } });
  await page.keyboard.press("Tab");
  await expect(group.getByRole("radio", { name: "0 = Not at all likely" })).toBeFocused();
  for (let i = 0; i < 4; i++) await page.keyboard.press("ArrowRight");
  await expect(group.getByRole("radio", { name: "4" })).toBeChecked();
  await page.keyboard.press("Tab");
  await page.keyboard.type("It offers floor lamps only.");
  await page.keyboard.press("Control+Enter");
  await expect(page.getByRole("status")).toHaveText("Thank you. This helps us.");
  await expect(page.getByRole("status"), "whoever uses a keyboard is not thrown to the top").toBeFocused();
  await expect(group).toHaveCount(0);
  expect(await asked(page, url), "left alone from now on").toBe(204);
  await expect(survey(page).getByRole("button")).toHaveCount(0);
  await close();

  const inbox = await as("product");
  await inbox.goto("/surveys/launch");
  await expect(inbox.getByRole("link", { name: "It offers floor lamps only." })).toBeVisible();
  await inbox.getByRole("link", { name: "Answers in the inbox" }).click();
  await expect(inbox.locator('[data-list="feedback"] a.list-item')).toHaveCount(1);
  await expect(inbox.getByRole("region", { name: "What was said" }).getByRole("blockquote")).toHaveText("It offers floor lamps only.");
  await expect(inbox.getByRole("region", { name: "The conversation" }), "with what the model said").toContainText("Which lamp fits a small hall?");
});

test("it speaks the language of the page, and whoever sends it away is left alone", async ({ page, gateway }) => {
  const { url, close } = await shop(gateway, "german", "de-AT");
  await page.goto(url);
  await expect(page.getByRole("radiogroup", { name: "Würden Sie den Assistenten weiterempfehlen?" })).toBeVisible();
  await page.evaluate(() => document.addEventListener("hypercare-survey", (event) => (document.title = JSON.stringify((event as CustomEvent).detail))));
  await page.getByRole("button", { name: "Nein, danke" }).click();
  await expect(page).toHaveTitle('{"survey":"launch","dismissed":true}');
  await expect(survey(page).getByRole("button")).toHaveCount(0);
  expect(await asked(page, url)).toBe(204);
  await close();
  const again = await shop(gateway, "german", "de-AT");
  expect(await asked(page, again.url), "after the next answer, too").toBe(204);
  await again.close();
});

test("what cannot be sent stays on screen, with what was typed", async ({ browser, gateway }) => {
  const { url, close } = await shop(gateway, "unlucky");
  // A page of its own, which nobody watches: browsers report the failure on the console.
  const page = await (await browser.newContext()).newPage();
  await page.goto(url);
  await page.getByRole("radio", { name: "7" }).check();
  await page.getByRole("textbox", { name: "What should it do better?" }).fill("Nearly there.");
  await page.route("**/answers", (route) => route.fulfill({ status: 500, json: { error: { message: "Something went wrong here." } }, headers: { "access-control-allow-origin": "*" } }), { times: 1 });
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.getByRole("alert")).toHaveText("Something went wrong here.");
  await expect(page.getByRole("textbox")).toHaveValue("Nearly there.");
  await page.unrouteAll();
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.getByRole("status")).toHaveText("Thank you. This helps us.");
  await page.context().close();
  await close();
});

test("ten answers are a number with its interval, by variant and over time", async ({ gateway, as }) => {
  for (let i = 0; i < 12; i++) {
    const { token } = await gateway.call("Do you ship to Malmö?", { user: `many-${i}` });
    const asked = await fetch(`${gateway.url}/v1/surveys/next?token=${token}&event=answer`);
    const question = (await asked.json()) as { id: string; ticket: string };
    const body = JSON.stringify({ ticket: question.ticket, score: i < 8 ? 10 : 8 });
    const said = await fetch(`${gateway.url}/v1/surveys/${question.id}/answers`, { method: "POST", headers: { "content-type": "application/json" }, body });
    expect(said.status).toBe(201);
  }
  const page = await as("product");
  await page.goto("/surveys");
  const row = page.getByRole("row").filter({ hasText: "launch" });
  // 8 promoters, 5 passives, 1 detractor of 14: (8 − 1) / 14 is 50 points; √((9/14 − 1/4) / 14) × 1.96 is 32.8.
  await expect(row).toContainText("+50 points");
  await expect(row).toContainText("+17 to +83");
  await expect(row).toContainText("14 93.3 %");
  await row.getByRole("link", { name: "launch" }).click();
  await expect(page.getByText("95 % interval +17 to +83")).toBeVisible();
  await expect(page.getByRole("img", { name: /The newest point: \+50 points/ })).toBeVisible();
  await expect(page.getByRole("row", { name: /support-bot · control/ })).toBeVisible();
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    expect(await serious(page), colorScheme).toEqual([]);
  }
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByRole("status").filter({ hasText: "Paused: nobody is asked." })).toBeVisible();
  const late = await fetch(`${gateway.url}/v1/surveys/next?user=somebody&event=answer`, { headers: { authorization: `Bearer ${KEY}` } });
  expect(late.status).toBe(204);
});

test("the script is small, for everybody, and keeps nothing in the browser", async ({ page, gateway }) => {
  const script = await page.request.get("/survey.js");
  expect(script.headers()["access-control-allow-origin"]).toBe("*");
  expect((await script.body()).length).toBeLessThan(8_000);
  const { url, close } = await shop(gateway, "private");
  expect(await asked(page, url), "paused").toBe(204);
  expect(await page.evaluate(() => localStorage.length + sessionStorage.length + document.cookie.length)).toBe(0);
  await close();
});
