// Every page of every persona: it is there, it is silent on the console, everybody can use it, and what is not theirs is refused.
import { AxeBuilder } from "@axe-core/playwright";
import { awake, expect, test, type Gateway, type Persona } from "./fixtures";
import type { Page } from "@playwright/test";

test.use({ world: "pages" });

// Ids of the request and the feedback that `furnish` makes.
const REQUEST = "{request}";
const FEEDBACK = "{feedback}";

const WATCHING = ["/", "/?range=24h", "/requests", "/requests?user=nobody-of-that-name", `/requests/${REQUEST}`, "/feedback", `/feedback?item=${FEEDBACK}`, "/feedback?state=&category=inaccurate", "/themes", "/themes?span=7d", "/themes/{theme}", "/surveys", "/surveys/launch", "/issues", "/issues?state=closed", "/issues/1", "/issues/standup", "/decisions"];
const TRIAGING = [`/issues/new?ids=${FEEDBACK}`, "/issues/new?theme={theme}", "/issues/clocks", "/feedback/import", "/surveys/new", "/surveys/launch/edit"];
const READING = [...WATCHING, "/prompts", "/prompts?q=lamp", "/prompts/support", "/prompts/support/compare?from=1&to=2", "/prompts/support/cases", "/prompts/support/playground", "/prompts/approvals", "/routes", "/routes/support-bot", "/admin/connect", "/admin/connect?language=html", "/admin/models", "/admin/models?search=gpt-4o"];
const PAGES: Record<Persona, string[]> = {
  admin: [...READING, ...TRIAGING, "/prompts/new", "/routes/new", "/routes/support-bot/edit", "/admin/providers", "/admin/keys", "/admin/people", "/admin/channels", "/admin/audit"],
  product: [...READING, ...TRIAGING, "/prompts/new"],
  annotator: ["/"],
  viewer: READING,
};

const ADMIN_ONLY = ["/routes/new", "/routes/support-bot/edit", "/admin/providers", "/admin/keys", "/admin/people", "/admin/channels", "/admin/audit"];
const FORBIDDEN: Record<Exclude<Persona, "admin">, string[]> = {
  product: ADMIN_ONLY,
  viewer: [...ADMIN_ONLY, ...TRIAGING, "/prompts/new"],
  annotator: [...ADMIN_ONLY, ...TRIAGING, "/prompts/new", "/requests", `/requests/${REQUEST}`, "/feedback", `/feedback/pane/${FEEDBACK}`, "/themes", "/themes/{theme}", "/surveys", "/surveys/launch", "/issues", "/issues/1", "/issues/standup", "/decisions", "/prompts", "/prompts/support", "/prompts/support/compare", "/prompts/support/cases", "/prompts/support/playground", "/prompts/approvals", "/routes", "/routes/support-bot", "/admin/connect", "/admin/models"],
};

/** What those who triage may do. */
const TRIAGE: { path: string; form: Record<string, string> }[] = [
  { path: "/feedback/decide", form: { ids: "none", state: "done", back: "state=new" } },
  { path: "/feedback/undo", form: { back: "state=new" } },
  { path: "/issues", form: { title: "mine", severity: "low" } },
  { path: "/issues/1", form: { severity: "low" } },
  { path: "/issues/1/notes", form: { words: "mine" } },
  { path: "/issues/join", form: { of: "none", number: "1" } },
  { path: "/issues/clocks", form: { critical: "1", high: "1", medium: "1", low: "1" } },
  { path: "/decisions", form: { title: "mine" } },
  { path: "/surveys", form: { name: "mine", kind: "csat", question: "?", sample: "100", language: "en" } },
  { path: "/surveys/launch/edit", form: { kind: "csat", question: "?", sample: "100", language: "en", revision: "1" } },
  { path: "/surveys/launch/active", form: { active: "" } },
  { path: "/surveys/launch/delete", form: { confirm: "launch" } },
  { path: "/themes/refresh", form: {} },
  { path: "/themes/{theme}/rename", form: { name: "mine" } },
  { path: "/themes/{theme}/merge", form: { into: "none" } },
  { path: "/themes/{theme}/split", form: { name: "mine", ids: "none" } },
];

/** Every form that changes something, and every call that does. */
const FORMS: { path: string; form: Record<string, string> }[] = [
  { path: "/routes/support-bot/split", form: { "share.control": "10", "share.candidate": "90", reason: "mine", revision: "1" } },
  { path: "/routes/support-bot/revert", form: { revision: "1" } },
  { path: "/routes/support-bot/switch", form: { variant: "candidate" } },
  { path: "/routes/new", form: { name: "mine", "variant.name": "a", "variant.weight": "1", "variant.provider": "primary", "variant.model": "mock" } },
  { path: "/routes/support-bot/delete", form: { confirm: "support-bot" } },
  { path: "/prompts/support/protection", form: { protected: "production" } },
  { path: "/prompts/support/rollback", form: { label: "production" } },
  { path: "/prompts/support/cases", form: { name: "mine", asks: "Hi" } },
  { path: "/prompts/support/cases/run", form: { version: "1", target: "primary/mock" } },
  { path: "/prompts/support/playground", form: { version: "1", target: "primary/mock", asks: "Hi" } },
  { path: `/requests/${REQUEST}/case`, form: { prompt: "support", name: "mine" } },
  { path: "/prompts/new", form: { name: "mine", role: "system", content: "Obey me.", parameters: "", note: "" } },
  { path: "/prompts/support/label", form: { label: "production", version: "2", reason: "mine" } },
  ...TRIAGE,
  { path: "/admin/providers", form: { preset: "groq", name: "mine", key: "k", base_url: "" } },
  { path: "/admin/providers/primary/draining", form: { draining: "true", reason: "" } },
  { path: "/admin/providers/primary/test", form: { model: "mock" } },
  { path: "/admin/models", form: { provider: "primary", name: "mock", input: "0", output: "0" } },
  { path: "/admin/models/remove", form: { provider: "primary", name: "mock" } },
  { path: "/admin/keys", form: { name: "mine", scope: "admin", routes: "" } },
  { path: "/admin/keys/{key}/revoke", form: {} },
  { path: "/admin/people", form: { email: "friend@shop.example", role: "admin", password: "a password of friends" } },
  { path: "/admin/channels/out", form: { name: "mine", kind: "webhook", url: "https://example.org/hook", event: "issue.created" } },
  { path: "/admin/channels/in", form: { name: "mine", label: "Mine" } },
  { path: "/admin/channels/out/hook/delete", form: {} },
  { path: "/admin/channels/in/hook/delete", form: {} },
  { path: "/admin/people/{me}/role", form: { role: "admin" } },
  { path: "/admin/people/{admin}/access", form: { access: "off" } },
];
const MAY: Record<Exclude<Persona, "admin">, string[]> = { product: [...TRIAGE.map(({ path }) => path), "/prompts/new", "/prompts/support/label", "/prompts/support/rollback", "/prompts/support/cases", "/prompts/support/cases/run", "/prompts/support/playground", `/requests/${REQUEST}/case`], viewer: [], annotator: [] };

const made = new Map<Gateway, Promise<Record<string, string>>>();

/** Traffic and feedback, so that pages show something; the ids by their place in the addresses. */
function furnish(gateway: Gateway, page: Page): Promise<Record<string, string>> {
  const furnished = made.get(gateway) ?? makeThings(gateway, page);
  made.set(gateway, furnished);
  return furnished;
}

async function makeThings(gateway: Gateway, page: Page): Promise<Record<string, string>> {
  let requestId = "";
  for (let i = 0; i < 12; i++) {
    const answer = await gateway.call(`Question ${i}: where is my lamp? ${"It was white and rather large. ".repeat(i)}`, { user: `user-${i}`, session: `s-${i % 3}` });
    const bad = { rating: "down", categories: ["inaccurate"], comment: `Number ${i} is wrong.`, ...(i === 3 ? { flag: "wrong" } : {}) };
    await gateway.feedback(answer.token, i % 2 ? bad : { rating: "up" });
    requestId = answer.requestId;
  }
  for (let i = 0; i < 7; i++) {
    const answer = await gateway.call(`Where is order ${i}?`, { user: `forgetful-${i}`, session: `f-${i}` });
    await gateway.feedback(answer.token, { rating: "down", categories: ["forgot_context"], comment: `It forgot my order number ${"again ".repeat(i % 3)}`.trim() });
  }
  await gateway.call("Fail on purpose", { user: "x".repeat(200) }).catch(() => undefined);
  const list = async (path: string) => ((await (await page.request.get(path)).json()) as { items: { id: string; email?: string }[] }).items;
  await expect.poll(async () => (await list(`/api/v1/requests?id=${requestId}`)).length).toBe(1);
  const [request] = await list(`/api/v1/requests?id=${requestId}`);
  const [feedback] = await list("/api/v1/feedback");
  const [key] = await list("/api/v1/keys");
  await page.request.post("/api/v1/themes/refresh", { data: {} });
  await expect.poll(async () => (await list("/api/v1/themes")).length).toBeGreaterThan(0);
  const [theme] = await list("/api/v1/themes");
  const issue = await page.request.post("/api/v1/issues", { data: { title: "Forgets the order number", feedback: [feedback.id] } });
  expect(issue.status(), await issue.text()).toBe(201);
  const cause = { what: "The prompt says nothing of earlier messages.", class: "prompt" };
  const told = { title: "Answers forget order numbers", workaround: "Repeat the number." };
  await page.request.patch("/api/v1/issues/1", { data: { cause, public: told, fix: { kind: "prompt_version", what: "support@2" } } });
  await page.request.put("/api/v1/channels/hook", { data: { url: "https://example.org/a-very-long-path/that/goes/on/and/on/for/a/while/hook", events: ["issue.created"] } });
  await page.request.put("/api/v1/feedback/channels/tickets", { data: { label: "Tickets", mapping: { external_id: "ticket.id", comment: "ticket.description" } } });
  await page.request.post("/api/v1/decisions", { data: { title: "The longer prompt stays", why: "Fewer complaints.", issue: 1 } });
  const survey = await page.request.post("/api/v1/surveys", { data: { name: "launch", kind: "csat", question: "How was it?", follow_up: "Why?", translations: { de: { question: "Wie war es?", follow_up: "Warum?" } } } });
  expect(survey.status(), await survey.text()).toBe(201);
  for (let i = 0; i < 12; i++) {
    const { token } = await gateway.call("Which of your lamps would you put into a small hall with a low ceiling?", { user: `asked-${i}` });
    const asked = (await (await fetch(`${gateway.url}/v1/surveys/next?token=${token}`)).json()) as { id: string; ticket: string };
    const said = { ticket: asked.ticket, score: 1 + (i % 5), comment: i % 3 ? undefined : `Because of number ${i}.` };
    await fetch(`${gateway.url}/v1/surveys/${asked.id}/answers`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(said) });
  }
  const admin = (await list("/api/v1/users")).find((person) => person.email === "admin@shop.example");
  return { "{request}": request.id, "{feedback}": feedback.id, "{theme}": theme.id, "{key}": key.id, "{admin}": admin?.id ?? "" };
}

function fill(path: string, ids: Record<string, string>): string {
  return path.replace(/\{\w+\}/, (name) => ids[name] ?? name);
}

async function serious(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const bad = violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  return bad.map((v) => `${v.id} (${v.nodes.length}): ${v.nodes.slice(0, 3).map((n) => `${n.html.slice(0, 160)} — ${n.failureSummary?.split("\n")[1]?.trim()}`).join(" | ")}`);
}

for (const persona of ["admin", "product", "annotator", "viewer"] as const) {
  test(`${persona}: every page has one heading and shuts nobody out, light and dark`, async ({ gateway, as }) => {
    // Sixty pages, each looked at twice.
    test.setTimeout(480_000);
    const ids = await furnish(gateway, await as("admin"));
    const page = await as(persona);
    for (const path of PAGES[persona]) {
      await test.step(path, async () => {
        const answer = await page.goto(fill(path, ids));
        expect.soft(answer?.status(), path).toBe(200);
        expect.soft(answer?.url(), "not sent elsewhere").toContain(fill(path, ids));
        await expect.soft(page.getByRole("heading", { level: 1 }), path).toHaveCount(1);
        if (persona !== "annotator") await awake(page);
        for (const colorScheme of ["light", "dark"] as const) {
          await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
          expect.soft(await serious(page), `${path}, ${colorScheme}`).toEqual([]);
        }
      });
    }
  });
}

test("log-in and set-up pages: one heading, nothing that shuts anybody out, light and dark", async ({ page }) => {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const path of ["/login", "/setup?token=x", "/api/docs", "/status"]) {
      await page.goto(path);
      await expect.soft(page.getByRole("heading", { level: 1 }), path).toHaveCount(1);
      expect.soft(await serious(page), `${path}, ${colorScheme}`).toEqual([]);
    }
  }
});

for (const persona of ["product", "annotator", "viewer"] as const) {
  test(`${persona}: what is not theirs is refused, as page, form and call`, async ({ gateway, as }) => {
    const admin = await as("admin");
    const ids = await furnish(gateway, admin);
    const page = await as(persona);
    const me = ((await (await page.request.get("/api/v1/me")).json()) as { id: string }).id;
    for (const path of FORBIDDEN[persona]) {
      expect.soft((await page.request.get(fill(path, ids))).status(), `GET ${path}`).toBe(403);
    }
    for (const { path, form } of FORMS.filter(({ path }) => !MAY[persona].includes(path))) {
      const answer = await page.request.post(fill(path, { ...ids, "{me}": me }), { form, maxRedirects: 0 });
      expect.soft(answer.status(), `POST ${path}`).toBe(403);
    }
    const before = await (await admin.request.get("/api/v1/routes/support-bot")).json();
    const split = { weights: { control: 1, candidate: 99 }, reason: "mine" };
    expect.soft((await page.request.put("/api/v1/routes/support-bot/split", { data: split })).status(), "PUT split").toBe(403);
    expect.soft((await page.request.post("/api/v1/keys", { data: { name: "mine", scopes: ["admin"] } })).status(), "POST keys").toBe(403);
    for (const path of ["keys", "users", "audit", ...(persona === "annotator" ? ["requests", "feedback", "prompts", "routes", "metrics", "live"] : [])]) {
      expect.soft((await page.request.get(`/api/v1/${path}`)).status(), `GET /api/v1/${path}`).toBe(403);
    }
    expect(await (await admin.request.get("/api/v1/routes/support-bot")).json(), "nothing was changed").toEqual(before);
  });
}

test("the same call is allowed for an admin, and refused from another site", async ({ as }) => {
  const admin = await as("admin");
  const data = { weights: { first: 60, second: 30, third: 10 }, reason: "same as before" };
  expect((await admin.request.put("/api/v1/routes/lab/split", { data })).status()).toBe(200);
  const foreign = { "sec-fetch-site": "cross-site", origin: "https://evil.example" };
  expect((await admin.request.put("/api/v1/routes/lab/split", { data, headers: foreign })).status()).toBe(403);
});

test("without a session a page leads to the log-in and back, and a call is refused", async ({ page, request }) => {
  await page.goto("/requests?status=error");
  await expect(page).toHaveURL(/\/login\?next=/);
  await page.getByLabel("E-mail address").fill("viewer@shop.example");
  await page.getByLabel("Password").fill("correct horse battery staple");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(/\/requests\?status=error$/);
  expect((await request.get("/api/v1/requests")).status()).toBe(401);
  expect((await request.post("/routes/support-bot/split", { form: {} })).status()).toBe(401);
});

test("an annotator sees the welcome page and no way elsewhere", async ({ as }) => {
  const page = await as("annotator");
  await page.goto("/");
  await expect(page.getByRole("heading", { level: 1, name: "Welcome" })).toBeVisible();
  await expect(page.getByText("Nothing to review yet")).toBeVisible();
  const links = await page.getByRole("navigation", { name: "Main" }).getByRole("link").evaluateAll((all) => all.map((a) => a.getAttribute("href")));
  expect(links).toEqual(["/"]);
  await expect(page.getByRole("searchbox")).toHaveCount(0);
});

test("nobody is shown a link they may not follow", async ({ gateway, as }) => {
  test.setTimeout(240_000);
  const ids = await furnish(gateway, await as("admin"));
  for (const persona of ["product", "viewer"] as const) {
    const page = await as(persona);
    const tried = new Set<string>();
    for (const path of PAGES[persona]) {
      await page.goto(fill(path, ids));
      for (const href of await page.locator('a[href^="/"]').evaluateAll((all) => all.map((a) => a.getAttribute("href") ?? ""))) {
        if (tried.has(href)) continue;
        tried.add(href);
        expect.soft((await page.request.get(href)).status(), `${persona}: ${href} on ${path}`).toBe(200);
      }
    }
    expect(tried.size).toBeGreaterThan(8);
  }
});

test("at 360 pixels nothing has to be scrolled sideways", async ({ gateway, as }) => {
  test.setTimeout(60_000);
  const page = await as("admin");
  const ids = await furnish(gateway, page);
  await page.setViewportSize({ width: 360, height: 740 });
  for (const path of PAGES.admin) {
    await page.goto(fill(path, ids));
    const wide = await page.evaluate(() => {
      const root = document.documentElement;
      if (root.scrollWidth <= root.clientWidth) return "";
      const culprits = [...document.querySelectorAll<HTMLElement>("main *")].filter((el) => el.getBoundingClientRect().right > root.clientWidth + 1);
      return `${root.scrollWidth} px: ${culprits.slice(0, 4).map((el) => `${el.tagName.toLowerCase()}.${el.className}`).join(", ")}`;
    });
    expect.soft(wide, path).toBe("");
    await expect.soft(page.locator("summary").filter({ hasText: "Menu" }), path).toBeVisible();
  }
  await page.locator("summary").filter({ hasText: "Menu" }).click();
  await page.getByRole("navigation", { name: "Menu" }).getByRole("link", { name: "Prompts" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Prompts" })).toBeVisible();
});

test("keys: search, help, pages, and the feedback list", async ({ gateway, as }) => {
  const page = await as("product");
  await furnish(gateway, await as("admin"));
  await page.goto("/feedback");
  await awake(page);

  await page.keyboard.press("Control+k");
  await expect(page.getByRole("searchbox", { name: "Search" })).toBeFocused();
  await page.keyboard.type("j?");
  await expect(page.getByRole("searchbox", { name: "Search" }), "typed, not obeyed").toHaveValue("j?");
  await expect(page.getByRole("dialog")).toBeHidden();
  await page.getByRole("searchbox", { name: "Search" }).blur();

  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keys of this page" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();

  const items = page.locator('[data-list="feedback"] a.list-item');
  const hrefs = await items.evaluateAll((all) => all.map((a) => a.getAttribute("href")));
  expect(hrefs.length).toBeGreaterThan(3);
  const opened = async (i: number) => {
    await expect(page).toHaveURL((url) => url.pathname + url.search === hrefs[i]);
    await expect(items.nth(i)).toHaveAttribute("aria-current", "true");
    await awake(page);
  };
  await page.keyboard.press("j");
  await opened(1);
  await page.keyboard.press("j");
  await opened(2);
  await page.keyboard.press("k");
  await opened(1);

  await page.keyboard.press("g");
  await page.keyboard.press("r");
  await expect(page.getByRole("heading", { level: 1, name: "Routes" })).toBeVisible();
});

test("the secret of a new key and the lines to connect an app are copied with one press", async ({ as }) => {
  const page = await as("admin");
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  await page.goto("/admin/keys");
  await page.getByRole("textbox", { name: "Name" }).fill("press");
  await page.getByRole("button", { name: "Make the key" }).click();
  const secret = await page.getByRole("textbox", { name: "Secret of the new key" }).inputValue();
  expect(secret.length).toBeGreaterThan(24);
  await page.getByRole("button", { name: "Copy" }).click();
  await expect(page.getByText("Copied", { exact: true })).toBeVisible();
  expect(await copied()).toBe(secret);
  await page.goto("/admin/connect");
  await page.getByRole("button", { name: "Copy" }).click();
  await expect(page.getByText("Copied", { exact: true })).toBeVisible();
  expect(await copied()).toContain("base_url=");
});

test("the help keeps the keyboard inside and gives it back", async ({ as }) => {
  const page = await as("viewer");
  await page.goto("/");
  await awake(page);
  await page.keyboard.press("?");
  const dialog = page.getByRole("dialog", { name: "Keys of this page" });
  await expect(dialog).toBeVisible();
  await expect.poll(() => dialog.evaluate((el) => el.contains(document.activeElement))).toBe(true);
  await page.keyboard.press("Tab");
  expect(await dialog.evaluate((el) => el.contains(document.activeElement))).toBe(true);
});

test("search finds a route, a prompt and a request by id", async ({ gateway, as }) => {
  const page = await as("viewer");
  const ids = await furnish(gateway, await as("admin"));
  const find = async (words: string, path: string) => {
    await page.goto("/");
    await page.getByRole("searchbox", { name: "Search" }).fill(words);
    await page.getByRole("searchbox", { name: "Search" }).press("Enter");
    await expect(page).toHaveURL((url) => url.pathname === path);
  };
  await find("support-bot", "/routes/support-bot");
  await find("support", "/prompts/support");
  await find(ids["{request}"], `/requests/${ids["{request}"]}`);
});
