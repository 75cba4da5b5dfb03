// What every spec shares: a server of its own per spec file, people who are signed in, and no error on any console.
import { test as base, expect, type BrowserContext, type Page } from "@playwright/test";
import { Gateway, PASSWORD, PERSONAS, declarative, type Persona } from "./server";
import { startUpstream } from "./upstream";

export { expect };
export * from "./server";

interface Watch {
  (context: BrowserContext): void;
}

interface TestFixtures {
  /** Fails the test if a page of this context writes an error. Contexts made by `as` and `context` are watched already. */
  watch: Watch;
  /** A new browser, signed in as that persona. */
  as: (persona: Persona) => Promise<Page>;
  /** The end of the addresses that refuse what a page's script sends in this test, on purpose. */
  refusing: string | null;
}

interface WorkerOptions {
  /** Spec files with different names get servers of their own. */
  world: string;
}

interface WorkerFixtures {
  gateway: Gateway;
}

/** Statuses that a form or a forbidden page is answered with on purpose; the browser reports them as errors of loading. */
const ANSWERS = new Set([401, 403, 404, 409, 422, 429]);

class Console {
  readonly #problems: { text: string; url: string }[] = [];
  readonly #documents = new Set<string>();
  readonly #refusing: string | null;

  constructor(refusing: string | null) {
    this.#refusing = refusing;
  }

  watch(context: BrowserContext): void {
    context.on("console", (message) => {
      if (message.type() === "error") this.#problems.push({ text: message.text(), url: message.location().url });
    });
    context.on("weberror", (error) => this.#problems.push({ text: error.error().stack ?? error.error().message, url: error.page()?.url() ?? "" }));
    context.on("response", (response) => {
      const meant = response.request().isNavigationRequest() || (this.#refusing !== null && response.url().endsWith(this.#refusing));
      if (meant && ANSWERS.has(response.status())) this.#documents.add(response.url());
    });
  }

  problems(): string[] {
    const real = this.#problems.filter(({ text, url }) => !(text.startsWith("Failed to load resource") && this.#documents.has(url)));
    return real.map(({ text, url }) => `${url}: ${text}`);
  }
}

export const test = base.extend<TestFixtures, WorkerOptions & WorkerFixtures>({
  world: ["main", { option: true, scope: "worker" }],

  gateway: [
    async ({ world: _ }, use) => {
      const upstream = await startUpstream();
      const gateway = await Gateway.prepare({ firstAdmin: true });
      try {
        await gateway.apply(declarative(upstream.url));
        await gateway.serve();
        for (const persona of ["product", "annotator", "viewer"] as const) await gateway.addPerson(persona);
        await use(gateway);
      } finally {
        await gateway.stop();
        await upstream.close();
      }
    },
    { scope: "worker", timeout: 60_000 },
  ],

  baseURL: async ({ gateway }, use) => use(gateway.url),

  refusing: [null, { option: true }],

  watch: [
    async ({ context, refusing }, use) => {
      const seen = new Console(refusing);
      seen.watch(context);
      await use((other) => seen.watch(other));
      expect(seen.problems(), "errors on the console").toEqual([]);
    },
    { auto: true },
  ],

  as: async ({ browser, gateway, javaScriptEnabled, watch }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (persona) => {
      const context = await browser.newContext({ baseURL: gateway.url, javaScriptEnabled });
      contexts.push(context);
      watch(context);
      await signIn(context, persona);
      return context.newPage();
    });
    for (const context of contexts) await context.close();
  },
});

/** Signs a browser in through the API, as scripts do; the page of the log-in has tests of its own. */
export async function signIn(context: BrowserContext, persona: Persona): Promise<void> {
  const answer = await context.request.post("/api/v1/login", { data: { email: PERSONAS[persona], password: PASSWORD } });
  expect(answer.status(), await answer.text()).toBe(200);
}

/** Waits until the browser half runs: the dot counts the age of the newest numbers. */
export async function awake(page: Page): Promise<void> {
  await expect(page.locator(".topbar-end")).toHaveText(/^live ·/);
}

/** The split in force by name, in percent to four digits. */
export async function splitOf(page: Page, route: string): Promise<Record<string, number>> {
  const answer = await page.request.get(`/api/v1/routes/${route}`);
  expect(answer.status()).toBe(200);
  const { variants } = (await answer.json()) as { variants: { name: string; weight: number }[] };
  const sum = variants.reduce((all, v) => all + v.weight, 0);
  return Object.fromEntries(variants.map((v) => [v.name, Number(((v.weight / sum) * 100).toFixed(4))]));
}
