// Every form works with JavaScript off: what was typed stays, what went wrong is said in a sentence, what was done is said once.
import { Gateway, KEY, PASSWORD, PERSONAS, expect, splitOf, test } from "./fixtures";
import type { Page } from "@playwright/test";

test.use({ world: "forms" });

function alert(page: Page) {
  return page.getByRole("alert");
}

function said(page: Page, words: string | RegExp) {
  return page.getByRole("status").filter({ hasText: words });
}

function navigation(page: Page) {
  return page.getByRole("navigation", { name: "Main" });
}

async function logIn(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** What a key can do right now. */
async function statusOfKey(gateway: Gateway, secret: string): Promise<number> {
  return (await fetch(`${gateway.url}/v1/models`, { headers: { authorization: `Bearer ${secret}` } })).status;
}

test("a wrong password is said in a sentence and keeps the address; then sign in, then out", async ({ page }) => {
  await page.goto("/routes");
  await expect(page).toHaveURL(/\/login\?next=/);
  await logIn(page, PERSONAS.viewer, "not the password");
  await expect(alert(page)).toHaveText("E-mail address or password is wrong.");
  await expect(page.getByLabel("E-mail address")).toHaveValue(PERSONAS.viewer);
  await expect(page.getByLabel("Password")).toHaveValue("");
  await logIn(page, "nobody@shop.example", PASSWORD);
  await expect(alert(page), "an unknown address is answered alike").toHaveText("E-mail address or password is wrong.");
  await logIn(page, PERSONAS.viewer, PASSWORD);
  await expect(page.getByRole("heading", { level: 1, name: "Routes" }), "where they wanted to go").toBeVisible();

  const session = (await page.context().cookies()).find((cookie) => cookie.name === "hypercare_session");
  expect(session).toMatchObject({ httpOnly: true, sameSite: "Lax" });
  await navigation(page).getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();
  await page.goto("/requests");
  await expect(page).toHaveURL(/\/login/);
  const replay = await page.request.get("/api/v1/me", { headers: { cookie: `hypercare_session=${session?.value}` } });
  expect(replay.status(), "the old cookie is worth nothing").toBe(401);
});

test("nobody is sent to another site after the log-in", async ({ page, gateway }) => {
  await page.goto("/login?next=//evil.example/");
  await logIn(page, PERSONAS.viewer, PASSWORD);
  await expect(page).toHaveURL(`${gateway.url}/`);
});

test("what cannot be read is said on a page that leads on", async ({ page, as }) => {
  // Not signed in.
  const answer = await page.request.post("/login", { data: { email: "a@shop.example" } });
  expect(answer.status()).toBe(422);
  expect(await answer.text()).toContain("This could not be read");
  // Signed in, the navigation stays.
  const product = await as("product");
  expect((await product.goto("/requests?limit=many"))?.status()).toBe(422);
  await expect(product.getByRole("heading", { level: 1, name: "This could not be read" })).toBeVisible();
  await expect(product.getByRole("main")).toContainText("limit: is not a whole number");
  await navigation(product).getByRole("link", { name: "Requests" }).click();
  await expect(product.getByRole("heading", { level: 1, name: "Requests" })).toBeVisible();
  const form = await product.request.post("/issues/new", { form: { title: "a".repeat(2_200_000) } });
  expect(form.status()).toBe(422);
  expect(await form.text()).toContain("is longer than 2097152 bytes");
});

test("guessing a password is slowed down", async ({ page }) => {
  for (let i = 0; i < 5; i++) {
    expect((await page.request.post("/login", { form: { email: "victim@shop.example", password: `guess ${i}` } })).status()).toBe(401);
  }
  await page.goto("/login");
  await logIn(page, "victim@shop.example", "guess 6");
  await expect(alert(page)).toContainText("Too many tries.");
  await expect(page.getByLabel("E-mail address")).toHaveValue("victim@shop.example");
});

test("a prompt: create, second version, move the label with a reason", async ({ as, gateway }) => {
  const page = await as("product");
  await page.goto("/prompts");
  await page.getByRole("link", { name: "New prompt" }).click();

  // What does not hold is said, and everything typed is still there.
  await page.getByLabel("Name", { exact: true }).fill("greeting");
  await page.getByLabel("Text of message 1").fill("Greet the customer.\nKindly.");
  await page.getByLabel("Model settings").fill("{temperature: 1}");
  await page.getByLabel("Note").fill("the first one");
  await page.getByRole("button", { name: "Save as a new version" }).click();
  await expect(alert(page).first()).toContainText("must be a JSON object");
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("greeting");
  await expect(page.getByLabel("Text of message 1")).toHaveValue("Greet the customer.\nKindly.");
  await expect(page.getByLabel("Model settings")).toHaveValue("{temperature: 1}");
  await expect(page.getByLabel("Note")).toHaveValue("the first one");

  await page.getByLabel("Model settings").fill('{"temperature": 0.5}');
  await page.getByRole("button", { name: "Save as a new version" }).click();
  await expect(said(page, "Version 1 of greeting is saved.")).toBeVisible();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("greeting");
  await page.reload();
  await expect(said(page, "Version 1 of greeting is saved."), "said once").toHaveCount(0);

  // The second starts from the first and shows what changed.
  await expect(page.getByLabel("Text of message 1")).toHaveValue("Greet the customer.\nKindly.");
  await page.getByLabel("Text of message 1").fill("Greet the customer.\nBriefly.");
  await page.getByLabel("Note").fill("shorter");
  await page.getByRole("button", { name: "Save as a new version" }).click();
  await expect(said(page, "Version 2 of greeting is saved.")).toBeVisible();
  const versions = page.getByRole("region", { name: "Versions" });
  await expect(versions.locator("del")).toHaveText("Kindly.");
  await expect(versions.locator("ins")).toHaveText("Briefly.");

  await page.getByLabel("Label", { exact: true }).fill("production");
  await page.getByLabel("Points to").selectOption("Version 2");
  await page.getByLabel("Reason").fill("Customers like it short.");
  await page.getByRole("button", { name: "Move the label" }).click();
  await expect(said(page, "production now points to version 2.")).toBeVisible();
  await expect(versions.getByRole("listitem").filter({ hasText: "Version 2" })).toContainText("production");
  await expect(versions.getByRole("listitem").filter({ hasText: "Version 1" })).not.toContainText("production");

  const admin = await as("admin");
  await admin.goto("/admin/audit");
  await expect(admin.getByRole("row").filter({ hasText: "Customers like it short." })).toContainText(PERSONAS.product);

  // A label that a route uses: the next call speaks the other version, without anything else done.
  expect((await gateway.call("Hello?", { user: "label-1", route: "lab" })).prompt).toMatch(/^support@[12]$/);
  const move = async (version: string) => {
    await page.goto("/prompts/support");
    await page.getByLabel("Label", { exact: true }).fill("production");
    await page.getByLabel("Points to").selectOption(version);
    await page.getByRole("button", { name: "Move the label" }).click();
    await expect(said(page, "production now points to")).toBeVisible();
  };
  await move("Version 2");
  const users = Array.from({ length: 20 }, (_, i) => `label-${i}`);
  for (const user of users) expect((await gateway.call("Hello?", { user, route: "lab" })).prompt).toBe("support@2");
  await move("Version 1");
});

test("the split by numbers: a wrong sum, somebody else's change, and back again", async ({ as }) => {
  const page = await as("admin");
  await page.goto("/routes/support-bot");
  await expect(page.getByRole("slider")).toHaveCount(0);
  const percent = (name: string, of: Page = page) => of.getByRole("textbox", { name: `Percent of ${name}` });
  const save = (of: Page = page) => of.getByRole("button", { name: /^Save/ }).click();

  await percent("control").fill("70");
  await percent("candidate").fill("20");
  await page.getByLabel("Reason").fill("More for the candidate.");
  await save();
  await expect(alert(page)).toContainText("sum to 90 %, not to 100 %");
  await expect(percent("control")).toHaveValue("70");
  await expect(percent("candidate")).toHaveValue("20");
  await expect(page.getByLabel("Reason")).toHaveValue("More for the candidate.");
  expect(await splitOf(page, "support-bot")).toEqual({ control: 90, candidate: 10 });

  await percent("candidate").fill("many");
  await save();
  await expect(alert(page)).toContainText("`many` is not a number of percent for candidate.");
  await expect(percent("candidate"), "what was typed stays").toHaveValue("many");

  await percent("control").fill("-10");
  await percent("candidate").fill("110");
  await save();
  await expect(alert(page)).toBeVisible();
  expect(await splitOf(page, "support-bot")).toEqual({ control: 90, candidate: 10 });

  // A colleague has the page open already and saves in between.
  const colleague = await as("admin");
  await colleague.goto("/routes/support-bot");
  await percent("control").fill("70");
  await percent("candidate").fill("30");
  await save();
  await expect(said(page, "Saved. The new split is in force.")).toBeVisible();
  expect(await splitOf(page, "support-bot")).toEqual({ control: 70, candidate: 30 });
  await percent("control", colleague).fill("20");
  await percent("candidate", colleague).fill("80");
  await colleague.getByLabel("Reason").fill("All in.");
  await save(colleague);
  await expect(alert(colleague)).toContainText(`${PERSONAS.admin} changed this route`);
  const both = colleague.getByRole("table", { name: /In force now, and what you typed/ });
  await expect(both.getByRole("row", { name: /^control/ })).toHaveText(/control\s*70\s*%\s*20\s*%/);
  await expect(both.getByRole("row", { name: /^candidate/ })).toHaveText(/candidate\s*30\s*%\s*80\s*%/);
  await expect(percent("candidate", colleague)).toHaveValue("80");
  await expect(colleague.getByLabel("Reason")).toHaveValue("All in.");
  expect(await splitOf(page, "support-bot"), "nothing of it was saved").toEqual({ control: 70, candidate: 30 });
  await save(colleague);
  await expect(said(colleague, "Saved. The new split is in force.")).toBeVisible();
  expect(await splitOf(page, "support-bot")).toEqual({ control: 20, candidate: 80 });

  // Back, from the history.
  const change = colleague.getByRole("row").filter({ hasText: "All in." });
  await expect(change).toContainText("control 70 %, candidate 30 % → control 20 %, candidate 80 %");
  await change.getByRole("button", { name: /^Revert change/ }).click();
  await expect(said(colleague, "Reverted.")).toBeVisible();
  expect(await splitOf(page, "support-bot")).toEqual({ control: 70, candidate: 30 });
});

test("a decimal comma is understood", async ({ as }) => {
  const page = await as("admin");
  await page.goto("/routes/lab");
  for (const [name, value] of [["first", "62,5"], ["second", "27.5 %"], ["third", "10"]]) await page.getByRole("textbox", { name: `Percent of ${name}` }).fill(value);
  await page.getByRole("button", { name: /^Save/ }).click();
  await expect(said(page, "Saved.")).toBeVisible();
  expect(await splitOf(page, "lab")).toEqual({ first: 62.5, second: 27.5, third: 10 });
});

test("a key: its secret is shown once and works, revoking ends it", async ({ as, gateway }) => {
  const page = await as("admin");
  await page.goto("/admin/keys");
  await page.getByLabel("Name", { exact: true }).fill("web-app");
  await page.getByRole("button", { name: "Make the key" }).click();
  await expect(alert(page)).toContainText("There is a key of that name already.");
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("web-app");
  await expect(page.getByLabel("call models")).toBeChecked();

  await page.getByLabel("Name", { exact: true }).fill("phone-app");
  await page.getByLabel("Only these routes").fill("lab");
  await page.getByRole("button", { name: "Make the key" }).click();
  await expect(page.getByText("The key phone-app is ready")).toBeVisible();
  const secret = await page.getByLabel("Secret of the new key").inputValue();
  expect(secret.length).toBeGreaterThanOrEqual(24);
  expect(await statusOfKey(gateway, secret)).toBe(200);
  await page.goto("/admin/keys");
  expect(await page.content(), "never again").not.toContain(secret);
  const row = page.getByRole("row").filter({ hasText: "phone-app" });
  await expect(row).toContainText("lab");

  await row.getByText("Revoke", { exact: true }).click();
  await row.getByRole("button", { name: "Revoke phone-app" }).click();
  await expect(said(page, "The key is revoked.")).toBeVisible();
  await expect(row).toContainText("revoked");
  await expect.poll(() => statusOfKey(gateway, secret), { timeout: 1_000 }).toBe(401);
  expect(await statusOfKey(gateway, KEY), "the other one still works").toBe(200);
});

test("a person: add, change the role, lock out and let in again", async ({ as, browser, gateway, watch }) => {
  const page = await as("admin");
  await page.goto("/admin/people");
  await page.getByLabel("E-mail address").fill("new@shop.example");
  await page.getByLabel("Role", { exact: true }).selectOption("Viewer");
  await page.getByLabel("First password").fill("short");
  await page.getByRole("button", { name: "Add the person" }).click();
  await expect(alert(page)).toContainText("Please use at least 10 characters.");
  await expect(page.getByLabel("E-mail address")).toHaveValue("new@shop.example");
  await expect(page.getByLabel("Role", { exact: true })).toHaveValue("viewer");
  await page.getByLabel("First password").fill(PASSWORD);
  await page.getByRole("button", { name: "Add the person" }).click();
  await expect(said(page, "new@shop.example can sign in now.")).toBeVisible();

  const context = await browser.newContext({ baseURL: gateway.url, javaScriptEnabled: false });
  watch(context);
  const theirs = await context.newPage();
  await theirs.goto("/login");
  await logIn(theirs, "new@shop.example", PASSWORD);
  await expect(navigation(theirs)).toContainText("Viewer");

  const row = page.getByRole("row").filter({ hasText: "new@shop.example" });
  await row.getByRole("combobox").selectOption("Product manager");
  await row.getByRole("button", { name: "Change the role of new@shop.example" }).click();
  await expect(said(page, "The role is changed.")).toBeVisible();
  await theirs.goto("/prompts");
  await expect(navigation(theirs)).toContainText("Product manager");
  await expect(theirs.getByRole("link", { name: "New prompt" })).toBeVisible();

  await row.getByRole("button", { name: "Lock out: new@shop.example" }).click();
  await expect(said(page, "Locked out; open sessions have ended.")).toBeVisible();
  await expect(row).toContainText("locked out");
  await theirs.goto("/prompts");
  await expect(theirs, "the open session has ended").toHaveURL(/\/login/);
  await logIn(theirs, "new@shop.example", PASSWORD);
  await expect(alert(theirs)).toBeVisible();

  await row.getByRole("button", { name: "Let in again: new@shop.example" }).click();
  await expect(said(page, "Let in again.")).toBeVisible();
  await logIn(theirs, "new@shop.example", PASSWORD);
  await expect(theirs.getByRole("heading", { level: 1, name: "Prompts" })).toBeVisible();
  await context.close();

  // The last admin cannot be made something else.
  const own = page.getByRole("row").filter({ hasText: PERSONAS.admin });
  await own.getByRole("combobox").selectOption("Viewer");
  await own.getByRole("button", { name: `Change the role of ${PERSONAS.admin}` }).click();
  await expect(page.getByText("This is the last admin.")).toBeVisible();
});

test("the theme is switched, kept, and given back to the system", async ({ as }) => {
  const page = await as("viewer");
  await page.goto("/requests?status=error");
  const root = page.locator("html");
  const background = () => page.locator("body").evaluate((el) => getComputedStyle(el).backgroundColor);
  await page.emulateMedia({ colorScheme: "light" });
  const light = await background();
  await navigation(page).getByRole("button", { name: "Dark" }).click();
  await expect(page, "the same page").toHaveURL(/\/requests\?status=error$/);
  await expect(root).toHaveAttribute("data-theme", "dark");
  await expect(navigation(page).getByRole("button", { name: "Dark" })).toHaveAttribute("aria-pressed", "true");
  expect(await background()).not.toBe(light);
  await page.goto("/feedback");
  await expect(root).toHaveAttribute("data-theme", "dark");
  await navigation(page).getByRole("button", { name: "System" }).click();
  await expect(root).not.toHaveAttribute("data-theme", /.+/);
  expect(await background()).toBe(light);
});

test("filters of requests show what they say and live in the address", async ({ as, gateway }) => {
  for (let i = 0; i < 3; i++) await gateway.call(`Filter question ${i}`, { user: `filter-${i}`, session: `filtering-${i % 2}` });
  await gateway.call("Fail the filter", { user: "filter-0" }).catch(() => undefined);
  const page = await as("viewer");
  await expect.poll(async () => ((await (await page.request.get("/api/v1/requests?user=filter-0")).json()) as { items: unknown[] }).items.length).toBe(2);
  await page.goto("/requests");
  const filters = page.getByRole("form", { name: "Filters" });
  const rows = page.getByRole("table", { name: "Requests, newest first" }).locator("tbody tr");

  await filters.getByLabel("User").fill("filter-0");
  await filters.getByRole("button", { name: "Filter" }).click();
  await expect(page).toHaveURL(/user=filter-0/);
  await expect(rows).toHaveCount(2);
  await expect(filters.getByLabel("User")).toHaveValue("filter-0");
  await filters.getByLabel("Result").selectOption("Failed or hung up");
  await filters.getByRole("button", { name: "Filter" }).click();
  await expect(rows).toHaveCount(1);
  await expect(rows).toContainText("error 400");

  await page.goto("/requests");
  await filters.getByLabel("Session").fill("filtering-1");
  await filters.getByRole("button", { name: "Filter" }).click();
  await expect(rows).toHaveCount(1);
  await expect(rows).toContainText("Filter question 1");
  await filters.getByRole("link", { name: "Show all" }).click();
  await expect(page).toHaveURL(/\/requests$/);

  await filters.getByLabel("User").fill("nobody & <b>nothing</b>");
  await filters.getByRole("button", { name: "Filter" }).click();
  await expect(page.getByText("No request matches.")).toBeVisible();
  await expect(filters.getByLabel("User")).toHaveValue("nobody & <b>nothing</b>");
});

test("filters of feedback show what they say", async ({ as, gateway }) => {
  const say = async (user: string, said: object) => gateway.feedback((await gateway.call("Is it red?", { user })).token, said);
  await say("red-1", { rating: "down", categories: ["tone"], comment: "A rude crimson." });
  await say("red-2", { rating: "up", comment: "A lovely crimson." });
  await say("red-3", { flag: "harmful", comment: "It says to lick the lamp." });
  const page = await as("product");
  await page.goto("/feedback");
  const items = page.locator('[data-list="feedback"] a.list-item');
  const kinds = page.getByRole("navigation", { name: "Kind of feedback" });
  const filters = page.getByRole("form", { name: "Filters" });

  await kinds.getByRole("link", { name: "Flags" }).click();
  await expect(items).toHaveCount(1);
  await expect(items, "what was reported as harmful is for the safety team").toContainText("Body restricted to the safety team");
  await expect(page.getByText("lick the lamp")).toHaveCount(0);
  await kinds.getByRole("link", { name: "All" }).click();
  await filters.getByLabel("Words").fill("CRIMSON");
  await filters.getByRole("button", { name: "Filter" }).click();
  await expect(items).toHaveCount(2);
  await kinds.getByRole("link", { name: "Thumbs up" }).click();
  await expect(items).toHaveCount(1);
  await expect(items).toContainText("A lovely crimson.");
  await expect(filters.getByLabel("Words"), "the chip keeps the words").toHaveValue("CRIMSON");
  await page.goto("/feedback");
  await filters.getByLabel("Category").selectOption("Tone");
  await filters.getByRole("button", { name: "Filter" }).click();
  await expect(items).toHaveCount(1);
  await items.click();
  await expect(page.getByRole("region", { name: "What was said" }).getByRole("blockquote")).toHaveText("A rude crimson.");
  await expect(page, "the filter stays").toHaveURL(/category=tone/);
});

test("the first run: the link on the terminal makes the first admin, once", async ({ page }) => {
  const fresh = await Gateway.prepare({ firstAdmin: false });
  try {
    await fresh.serve();
    await page.goto(`${fresh.url}/`);
    await expect(page).toHaveURL(/\/login/);
    await expect(page.getByText("Open the set-up link that the server printed")).toBeVisible();
    const link = /http\S+\/setup\?token=\S+/.exec(fresh.log)?.[0] ?? "";
    expect(link).toContain(fresh.url);

    const become = async (password: string) => {
      await page.getByLabel("E-mail address").fill("first@shop.example");
      await page.getByLabel("Password").fill(password);
      await page.getByRole("button", { name: "Create the admin" }).click();
    };
    await page.goto(`${fresh.url}/setup?token=guessed`);
    await become(PASSWORD);
    await expect(alert(page)).toContainText("This set-up link is used up or wrong.");
    await page.goto(link);
    await become("short");
    await expect(alert(page)).toContainText("Please use at least 10 characters.");
    await expect(page.getByLabel("E-mail address")).toHaveValue("first@shop.example");
    await become(PASSWORD);
    await expect(page.getByRole("heading", { level: 1, name: "Overview" })).toBeVisible();
    await expect(navigation(page)).toContainText("Admin");
    await expect(page.getByRole("main").getByRole("link", { name: "Connect an app" })).toBeVisible();

    await navigation(page).getByRole("button", { name: "Sign out" }).click();
    await page.goto(link);
    await become("somebody else's password");
    await expect(alert(page)).toContainText("This set-up link is used up or wrong.");
    await page.goto(`${fresh.url}/login`);
    await logIn(page, "first@shop.example", PASSWORD);
    await expect(page.getByRole("heading", { level: 1, name: "Overview" })).toBeVisible();
  } finally {
    await fresh.stop();
  }
});

test("the first admin of the settings is made even if other people were added before", async ({ page }) => {
  const fresh = await Gateway.prepare({ firstAdmin: true });
  try {
    await fresh.addPerson("product");
    await fresh.serve();
    const answer = await page.request.post(`${fresh.url}/api/v1/login`, { data: { email: PERSONAS.admin, password: PASSWORD } });
    expect(answer.status()).toBe(200);
  } finally {
    await fresh.stop();
  }
});

test("a model: its price is found, changed, refused when it is no number, and taken back", async ({ as }) => {
  const page = await as("admin");
  await page.goto("/admin/models");
  await page.getByLabel("Part of a name").fill("gpt-4o-mini");
  await page.getByLabel("Vendor").selectOption("openai");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page.getByRole("row").filter({ has: page.getByText("gpt-4o-mini", { exact: true }) })).toContainText("0.15");
  await page.goto("/admin/models?search=mock");
  const row = page.getByRole("row").filter({ hasText: "yours" });
  await row.getByRole("link", { name: "Change mock" }).click();
  await expect(page.getByLabel("Input", { exact: true })).toHaveValue("0.15");
  await page.getByLabel("Input", { exact: true }).fill("a lot");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(alert(page)).toContainText("Please write a number of 0 or more");
  await expect(page.getByLabel("Input", { exact: true })).toHaveValue("a lot");
  await page.getByLabel("Input", { exact: true }).fill("0.3");
  await page.getByLabel("Sound in the input").fill("1,5");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(said(page, "Saved.")).toBeVisible();
  await expect(row).toContainText("0.3");
  await expect(row).toContainText("sound in the input 1.5");
  await row.getByRole("button", { name: "Remove yours" }).click();
  await expect(said(page, "holds again")).toBeVisible();
});

test("a provider: added, tested, drained and let in again", async ({ as, gateway }) => {
  const page = await as("admin");
  await page.goto("/admin/providers");
  await page.getByLabel("Vendor").selectOption("azure");
  await page.getByLabel("Name", { exact: true }).fill("clouds");
  await page.getByRole("button", { name: "Add the provider" }).click();
  await expect(alert(page)).toContainText("has a part to fill in");
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("clouds");
  await page.getByLabel("Vendor").selectOption("groq");
  await page.getByRole("button", { name: "Add the provider" }).click();
  await expect(said(page, "clouds has no key yet.")).toBeVisible();
  await expect(page.getByRole("row").filter({ hasText: "clouds" })).toContainText("https://api.groq.com/openai/v1");

  const row = page.getByRole("row").filter({ hasText: "sk-up" });
  await row.getByText("Test", { exact: true }).click();
  await row.getByRole("button", { name: "Test primary" }).click();
  await expect(page.getByText(/primary answered after \d+ ms/)).toBeVisible();

  await row.getByText("Drain", { exact: true }).click();
  await row.getByLabel("Reason").fill("maintenance");
  await row.getByRole("button", { name: "Drain primary" }).click();
  await expect(said(page, "primary gets no new calls.")).toBeVisible();
  await expect(row).toContainText("drained");
  const call = () => fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST", headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "lab", messages: [{ role: "user", content: "There?" }] }),
  });
  expect((await call()).status).toBe(503);
  await row.getByText("Let calls in", { exact: true }).click();
  await row.getByRole("button", { name: "Let calls to primary in again" }).click();
  await expect(said(page, "primary gets calls again.")).toBeVisible();
  expect((await call()).status).toBe(200);
});
