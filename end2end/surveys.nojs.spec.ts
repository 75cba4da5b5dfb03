// The forms of surveys with JavaScript off: what was typed stays, each field says what is wrong with it, and nothing is deleted by accident.
import { expect, test } from "./fixtures";

test.use({ world: "surveys-forms" });

test("a survey is made, changed, paused and deleted without scripts", async ({ as }) => {
  const page = await as("product");
  const alerts = page.getByRole("alert");
  await page.goto("/surveys/new");
  await page.getByLabel("Name", { exact: true }).fill("Two words");
  await page.getByLabel("Question", { exact: true }).fill("How easy was it?");
  await page.getByLabel("Kind of answer").selectOption("Ease, 1 to 7 (CES)");
  await page.getByLabel("Share of people asked").fill("half");
  await page.getByLabel("lab", { exact: true }).check();
  await page.locator("summary").filter({ hasText: "In other languages" }).click();
  await page.getByLabel("Language of translation 1").fill("deutsch");
  await page.getByLabel("Question of translation 1").fill("Wie einfach war es?");
  await page.getByRole("button", { name: "Make the survey" }).click();
  await expect(alerts.filter({ hasText: "`half` is no number of percent" })).toBeVisible();
  await expect(page.getByLabel("Share of people asked")).toHaveValue("half");
  await page.getByLabel("Share of people asked").fill("12,5 %");
  await page.getByRole("button", { name: "Make the survey" }).click();
  await expect(alerts.filter({ hasText: "Translation deutsch" })).toBeVisible();
  await expect(alerts.filter({ hasText: "must be 1 to 60 small letters" })).toBeVisible();
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("Two words");
  await expect(page.getByLabel("Kind of answer")).toHaveValue("ces");
  await expect(page.getByLabel("lab", { exact: true })).toBeChecked();
  await expect(page.getByLabel("Question of translation 1")).toHaveValue("Wie einfach war es?");
  await page.getByLabel("Name", { exact: true }).fill("ease");
  await page.getByLabel("Language of translation 1").fill("de");
  await page.getByRole("button", { name: "Make the survey" }).click();
  await expect(page.getByRole("status").filter({ hasText: "The survey is made." })).toBeVisible();
  await expect(page.getByText("12.5 % of people")).toBeVisible();

  await page.getByRole("link", { name: "Change", exact: true }).click();
  await expect(page.getByLabel("Language of translation 1")).toHaveValue("de");
  await page.getByLabel("Enough after so many answers").fill("500");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("status").filter({ hasText: "Saved." })).toBeVisible();
  await expect(page.getByText("500 answers")).toBeVisible();

  // Somebody else changes it while the form is open: nothing of theirs is lost.
  await page.getByRole("link", { name: "Change", exact: true }).click();
  const theirs = await as("admin");
  const put = await theirs.request.put("/api/v1/surveys/ease", { data: { kind: "ces", question: "How easy was it really?" } });
  expect(put.status(), await put.text()).toBe(200);
  await page.getByLabel("Question", { exact: true }).fill("Mine");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(alerts.filter({ hasText: "admin@shop.example changed this survey" })).toBeVisible();
  await expect(page.getByLabel("Question", { exact: true })).toHaveValue("Mine");

  await page.goto("/surveys/ease");
  await expect(page.getByText("How easy was it really?").first()).toBeVisible();
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Paused");
  await page.getByRole("button", { name: "Resume" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Running");

  await page.locator("summary").filter({ hasText: "Delete the survey" }).click();
  await page.getByLabel("Type the name to confirm").fill("easy");
  await page.getByRole("button", { name: "Delete ease" }).click();
  await expect(alerts.filter({ hasText: "Please type ease. Nothing was deleted." })).toBeVisible();
  await page.getByLabel("Type the name to confirm").fill("ease");
  await page.getByRole("button", { name: "Delete ease" }).click();
  await expect(page.getByRole("status").filter({ hasText: "The survey ease is deleted." })).toBeVisible();
  expect((await page.request.get("/surveys/ease")).status()).toBe(404);
});

test("who only looks sees numbers and no buttons", async ({ as }) => {
  const admin = await as("admin");
  const made = await admin.request.post("/api/v1/surveys", { data: { name: "seen", kind: "csat", question: "How was it?" } });
  expect(made.status(), await made.text()).toBe(201);
  const page = await as("viewer");
  await page.goto("/surveys");
  await expect(page.getByRole("link", { name: "New survey" })).toHaveCount(0);
  await page.getByRole("link", { name: "seen" }).click();
  await expect(page.getByText("How was it?").first()).toBeVisible();
  for (const name of ["Pause", "Delete seen"]) await expect(page.getByRole("button", { name })).toHaveCount(0);
  expect((await page.request.get("/surveys/seen/edit")).status()).toBe(403);
  expect((await page.request.post("/surveys/seen/delete", { form: { confirm: "seen" } })).status()).toBe(403);
});
