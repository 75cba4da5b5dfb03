// The widget on somebody else's page, under a strict policy: every mode by keyboard alone, for everybody, in their language, without cookies.
import { AxeBuilder } from "@axe-core/playwright";
import { expect, test, type Gateway } from "./fixtures";
import { startForeignPage, type ForeignOptions, type ForeignPage } from "./foreign";
import type { Page } from "@playwright/test";

test.use({ world: "widget" });

interface Stored {
  rating: string | null;
  stars: number | null;
  categories: string[];
  flag: string | null;
  comment: string | null;
  correction: string | null;
  metadata: unknown;
}

const open: ForeignPage[] = [];
test.afterEach(async () => {
  for (const shop of open.splice(0)) await shop.close();
});

/** An answer on the shop's page with the widget under it; the feedback is given by that user. */
async function openShop(page: Page, gateway: Gateway, user: string, options: ForeignOptions = {}): Promise<void> {
  const answer = await gateway.call(`Which lamp, asks ${user}?`, { user });
  const shop = await startForeignPage(gateway.url, answer.token, answer.text, { ...options, attributes: `user="${user}" ${options.attributes ?? ""}` });
  open.push(shop);
  await page.goto(shop.url);
}

/** What the API has of that user. */
async function storedOf(admin: Page, user: string): Promise<Stored[]> {
  return ((await (await admin.request.get(`/api/v1/feedback?user=${user}`)).json()) as { items: Stored[] }).items;
}

/** The widget and nothing else is judged: the page around it is not ours. */
async function serious(page: Page): Promise<string[]> {
  const found: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const { violations } = await new AxeBuilder({ page }).include("hypercare-feedback").analyze();
    const bad = violations.filter((v) => v.impact === "serious" || v.impact === "critical");
    found.push(...bad.map((v) => `${colorScheme}, ${v.id}: ${v.nodes.map((n) => `${n.html} — ${n.failureSummary}`).join(" | ")}`));
  }
  return found;
}

async function press(page: Page, ...keys: string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key);
}

const thanks = (page: Page) => page.getByRole("status").filter({ hasText: "Thank you for your feedback." });

test("thumbs: down, why, and what it should have said, by keyboard alone", async ({ page, gateway, as }) => {
  const admin = await as("admin");
  await openShop(page, gateway, "thumbs", { attributes: `context='{"screen":"checkout","step":2}'` });
  expect(await serious(page)).toEqual([]);
  await press(page, "Tab");
  await expect(page.getByRole("button", { name: "Good answer" })).toBeFocused();
  await press(page, "Tab");
  const down = page.getByRole("button", { name: "Bad answer" });
  await expect(down).toBeFocused();
  await press(page, "Enter");
  await expect(down).toHaveAttribute("aria-pressed", "true");
  await expect(thanks(page)).toBeVisible();
  await expect.poll(async () => (await storedOf(admin, "thumbs")).length, "the thumb counts at once").toBe(1);
  expect(await serious(page)).toEqual([]);

  await press(page, "Tab");
  await expect(page.getByRole("checkbox", { name: "Irrelevant" })).toBeFocused();
  await press(page, "Tab", "Space", "Tab", "Tab", "Tab", "Tab", "Tab");
  await expect(page.getByRole("textbox", { name: "Comment" })).toBeFocused();
  await page.keyboard.type("It named a lamp you do not sell.");
  await press(page, "Tab");
  await expect(page.getByRole("textbox", { name: "What should it have said?" })).toBeFocused();
  await page.keyboard.type("The white one.");
  await press(page, "Tab");
  await expect(page.getByRole("combobox", { name: "Report a problem" })).toBeFocused();
  await press(page, "ArrowDown", "Tab");
  await expect(page.getByRole("button", { name: "Send" })).toBeFocused();
  await press(page, "Enter");
  await expect(page.getByRole("textbox")).toHaveCount(0);
  await expect(down, "the keyboard is where it was").toBeFocused();
  expect(await storedOf(admin, "thumbs")).toMatchObject([
    {
      rating: "down",
      stars: null,
      categories: ["inaccurate"],
      flag: "wrong",
      comment: "It named a lamp you do not sell.",
      correction: "The white one.",
      metadata: { screen: "checkout", step: 2 },
    },
  ]);

  // Where it is read, all of it stands.
  await admin.goto("/feedback?user=thumbs");
  const said = admin.getByRole("region", { name: "What was said" });
  await expect(said).toContainText("Should have been: The white one.");
  await expect(said).toContainText("screencheckout");

  // Thought better of it: what was sent and is emptied is taken back.
  await down.click();
  await page.getByRole("checkbox", { name: "Inaccurate" }).uncheck();
  await page.getByRole("textbox", { name: "Comment" }).fill("");
  await page.getByRole("textbox", { name: "What should it have said?" }).fill("");
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.getByRole("textbox")).toHaveCount(0);
  expect(await storedOf(admin, "thumbs")).toMatchObject([{ rating: "down", categories: [], flag: "wrong", comment: null, correction: null }]);
});

test.describe("a token that is not ours", () => {
  test.use({ refusing: "/v1/feedback" });

  test("is refused in the widget's own words, loses nothing, and the right one puts it right", async ({ page, gateway, as }) => {
    const admin = await as("admin");
    const answer = await gateway.call("Which lamp, asks forged?", { user: "forged" });
    const forged = (answer.token.startsWith("A") ? "B" : "A") + answer.token.slice(1);
    const shop = await startForeignPage(gateway.url, forged, answer.text, { attributes: `user="forged"` });
    open.push(shop);
    await page.goto(shop.url);
    await page.getByRole("button", { name: "Bad answer" }).click();
    await expect(page.getByRole("alert")).toHaveText("This feedback token is not valid.");
    await expect(page.getByRole("status")).toBeEmpty();
    expect(await serious(page)).toEqual([]);
    await page.getByRole("textbox", { name: "Comment" }).fill("It named a lamp you do not sell.");
    await page.getByRole("button", { name: "Send" }).click();
    await expect(page.getByRole("alert")).toBeVisible();
    await expect(page.getByRole("textbox", { name: "Comment" }), "what was typed stays").toHaveValue("It named a lamp you do not sell.");
    expect(await storedOf(admin, "forged")).toEqual([]);

    await page.locator("hypercare-feedback").evaluate((el, token) => el.setAttribute("token", token), answer.token);
    await expect(page.getByRole("alert")).toHaveCount(0);
    await page.getByRole("button", { name: "Bad answer" }).click();
    await expect(thanks(page)).toBeVisible();
    expect(await storedOf(admin, "forged")).toMatchObject([{ rating: "down" }]);
  });
});

test("stars: arrow keys try them out, one is sent where they stay, and few open the form", async ({ page, gateway, as }) => {
  const admin = await as("admin");
  await openShop(page, gateway, "stars", { attributes: `mode="stars"` });
  let posts = 0;
  page.on("request", (request) => (posts += request.url().endsWith("/v1/feedback") && request.method() === "POST" ? 1 : 0));
  expect(await serious(page)).toEqual([]);
  const group = page.getByRole("radiogroup", { name: "Rate this answer" });
  await expect(group.getByRole("radio")).toHaveCount(5);
  await press(page, "Tab", "Space", "ArrowRight", "ArrowRight", "ArrowRight");
  await expect(group.getByRole("radio", { name: "4 of 5 stars" })).toBeFocused();
  await expect(group.getByRole("radio", { name: "4 of 5 stars" })).toBeChecked();
  await expect(thanks(page)).toBeVisible();
  await expect(page.getByRole("textbox"), "content people are asked nothing").toHaveCount(0);
  expect(await storedOf(admin, "stars")).toMatchObject([{ rating: null, stars: 4 }]);
  expect(posts, "stars that were passed over are not sent").toBe(1);

  await press(page, "ArrowLeft", "ArrowLeft");
  await expect(page.getByRole("group", { name: "What was wrong?" })).toBeVisible();
  await expect.poll(async () => (await storedOf(admin, "stars"))[0].stars).toBe(2);
  expect(await serious(page)).toEqual([]);
  await press(page, "Tab", "Space", "Tab", "Tab", "Tab", "Tab", "Tab", "Tab");
  await expect(page.getByRole("textbox", { name: "Comment" })).toBeFocused();
  await page.keyboard.type("Two are for the colour.");
  await press(page, "Control+Enter");
  await expect(page.getByRole("textbox")).toHaveCount(0);
  await expect(group.getByRole("radio", { name: "2 of 5 stars" })).toBeFocused();
  expect(await storedOf(admin, "stars")).toMatchObject([{ rating: null, stars: 2, categories: ["irrelevant"], comment: "Two are for the colour." }]);

  await group.getByRole("radio", { name: "5 of 5 stars" }).click();
  await expect.poll(async () => (await storedOf(admin, "stars"))[0].stars).toBe(5);
});

test("inline: one small button rates down and asks why; Escape leaves it at that", async ({ page, gateway, as }) => {
  const admin = await as("admin");
  await openShop(page, gateway, "inline", { attributes: `mode="inline"` });
  await expect(page.getByRole("button")).toHaveCount(1);
  expect(await serious(page)).toEqual([]);
  await press(page, "Tab");
  const button = page.getByRole("button", { name: "I don’t like this" });
  await expect(button).toBeFocused();
  await press(page, "Enter");
  await expect(thanks(page)).toBeVisible();
  expect(await serious(page)).toEqual([]);
  await press(page, "Tab", "Space", "Escape");
  await expect(page.getByRole("checkbox")).toHaveCount(0);
  await expect(button).toBeFocused();
  expect(await storedOf(admin, "inline")).toMatchObject([{ rating: "down", categories: [], comment: null }]);
});

test("form: open at once, without a rating, with the context of the screen", async ({ page, gateway, as }) => {
  const admin = await as("admin");
  await openShop(page, gateway, "form", { attributes: `mode="form" context='{"screen":"orders"}'` });
  await expect(page.getByRole("radio")).toHaveCount(0);
  await expect(page.getByRole("button")).toHaveCount(1);
  expect(await serious(page)).toEqual([]);
  const comment = page.getByRole("textbox", { name: "Comment" });
  await page.getByRole("button", { name: "Send" }).focus();
  await press(page, "Enter");
  await expect(comment, "nothing was said, nothing is sent").toBeFocused();
  expect(await comment.evaluate((el: HTMLTextAreaElement) => el.validationMessage)).toBe("Please say something first.");
  await page.keyboard.type("It went in circles for ten minutes.");
  await press(page, "Control+Enter");
  await expect(thanks(page)).toBeVisible();
  await expect(page.getByRole("button", { name: "Add a comment" })).toBeFocused();
  expect(await storedOf(admin, "form")).toMatchObject([
    { rating: null, stars: null, comment: "It went in circles for ten minutes.", correction: null, metadata: { screen: "orders" } },
  ]);
  await press(page, "Enter", "Space", "Control+Enter");
  await expect(page.getByRole("checkbox")).toHaveCount(0);
  expect(await storedOf(admin, "form"), "more of the same, in the same place").toMatchObject([
    { categories: ["irrelevant"], comment: "It went in circles for ten minutes." },
  ]);
});

test("German by the page's language, and any word can be the page's own", async ({ page, gateway }) => {
  await openShop(page, gateway, "german", { lang: "de-AT", attributes: `label-down="Passt mir nicht"` });
  await expect(page.getByRole("button", { name: "Gute Antwort" })).toBeVisible();
  await page.getByRole("button", { name: "Passt mir nicht" }).click();
  await expect(page.getByRole("status")).toHaveText("Danke für die Rückmeldung.");
  await expect(page.getByRole("textbox", { name: "Was wäre richtig gewesen?" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Senden" })).toBeVisible();
  expect(await page.locator("hypercare-feedback div").first().getAttribute("lang"), "read out in German").toBe("de");
  await page.locator("hypercare-feedback").evaluate((el) => el.setAttribute("lang", "es"));
  await expect(page.getByRole("button", { name: "Buena respuesta" })).toBeVisible();
});

test("words that do not come leave it in English", async ({ page, gateway }) => {
  await page.route("**/widget/fr.json", (route) => route.fulfill({ status: 200, headers: { "access-control-allow-origin": "*" }, body: "<html>" }));
  await openShop(page, gateway, "french", { lang: "fr" });
  await page.getByRole("button", { name: "Good answer" }).click();
  await expect(thanks(page)).toBeVisible();
  expect(await page.locator("hypercare-feedback div").first().getAttribute("lang")).toBe("en");
});

test("a context that is no JSON object is named once on the console and costs no feedback", async ({ page, gateway, as }) => {
  const admin = await as("admin");
  const warnings: string[] = [];
  page.on("console", (message) => message.type() === "warning" && warnings.push(message.text()));
  await openShop(page, gateway, "oops", { attributes: `context='{"screen": oops'` });
  for (const name of ["Good answer", "Bad answer"]) {
    await page.getByRole("button", { name }).click();
    await expect.poll(async () => (await storedOf(admin, "oops")).map((f) => f.rating)).toEqual([name === "Good answer" ? "up" : "down"]);
  }
  expect((await storedOf(admin, "oops"))[0].metadata).toBe(null);
  expect(warnings).toEqual(["hypercare-feedback: context is no JSON object of 4 KiB or less"]);
  for (const context of ["[1]", "12", '"words"', `{"a":"${"x".repeat(5_000)}"}`]) {
    await page.locator("hypercare-feedback").evaluate((el, value) => el.setAttribute("context", value), context);
    await page.getByRole("button", { name: "Good answer" }).click();
    await page.getByRole("button", { name: "Bad answer" }).click();
    await expect(thanks(page)).toBeVisible();
    await expect(page.getByRole("alert")).toHaveCount(0);
  }
});

test("it is small, takes no cookie along and leaves none", async ({ page, gateway, as }) => {
  await as("admin");
  const file = await page.request.get("/widget.js");
  expect((await file.body()).length).toBeLessThan(12_288);
  expect(file.headers()["access-control-allow-origin"]).toBe("*");
  // Cookies know no ports: one of the gateway's host would go along if the widget let it.
  await page.context().addCookies([{ name: "hypercare_session", value: "somebody", url: gateway.url }]);
  const sent: Promise<string | undefined>[] = [];
  page.on("request", (request) => {
    if (request.resourceType() === "fetch") sent.push(request.allHeaders().then((headers) => headers.cookie));
  });
  const left: Promise<string | null>[] = [];
  page.on("response", (response) => left.push(response.headerValue("set-cookie")));
  await openShop(page, gateway, "cookies", { lang: "de" });
  await page.getByRole("button", { name: "Gute Antwort" }).click();
  await expect(page.getByRole("status")).toHaveText("Danke für die Rückmeldung.");
  expect(await Promise.all(sent), "the words and the vote").toEqual([undefined, undefined]);
  expect(new Set(await Promise.all(left))).toEqual(new Set([null]));
  expect((await page.context().cookies()).map((cookie) => cookie.name)).toEqual(["hypercare_session"]);
  expect(await page.evaluate(() => [localStorage.length, sessionStorage.length])).toEqual([0, 0]);
});

test("a page gives it its own colours by CSS variables", async ({ page, gateway }) => {
  const css = "hypercare-feedback { --hcf-accent: rgb(0, 90, 60); --hcf-accent-ink: rgb(255, 250, 240); --hcf-radius: 2px }";
  await openShop(page, gateway, "themed", { css });
  const up = page.getByRole("button", { name: "Good answer" });
  await up.click();
  await expect(up).toHaveCSS("background-color", "rgb(0, 90, 60)");
  await expect(up).toHaveCSS("color", "rgb(255, 250, 240)");
  await expect(up).toHaveCSS("border-radius", "2px");
});

test("the page behind a link and the lines to paste shut nobody out, light and dark, and fit on a telephone", async ({ page, gateway, as }) => {
  const { token } = await gateway.call("Which lamp?", { user: "axe" });
  const admin = await as("admin");
  const visits: [Page, string][] = [
    [page, `/f/${token}`],
    [page, `/f/${token}?mode=stars&lang=de&stars=1`],
    [page, "/f/forged"],
    [admin, "/admin/connect?language=form"],
    [admin, "/admin/connect?language=link"],
  ];
  for (const [who, path] of visits) {
    await who.setViewportSize({ width: 360, height: 740 });
    await who.goto(path);
    await expect.soft(who.getByRole("heading", { level: 1 }), path).toHaveCount(1);
    for (const colorScheme of ["light", "dark"] as const) {
      await who.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const { violations } = await new AxeBuilder({ page: who }).analyze();
      const bad = violations.filter((v) => v.impact === "serious" || v.impact === "critical");
      expect.soft(bad.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" | ")}`), `${path}, ${colorScheme}`).toEqual([]);
    }
    expect.soft(await who.evaluate(() => document.documentElement.scrollWidth), `${path} is not wider than the telephone`).toBe(360);
  }
});
