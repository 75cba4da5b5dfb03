// Starts the binary under test with a folder of its own, and talks to it as an operator and as an application do.
import { spawn, type ChildProcess } from "node:child_process";
import { createHmac, hkdfSync, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** The password of everybody here. */
export const PASSWORD = "correct horse battery staple";
export const KEY = "web-app-key-of-more-than-24-characters";

export const PERSONAS = {
  admin: "admin@shop.example",
  product: "product@shop.example",
  annotator: "annotator@shop.example",
  viewer: "viewer@shop.example",
} as const;
export type Persona = keyof typeof PERSONAS;

function binary(): string {
  const path = process.env.HYPERCARE_BIN;
  if (!path) throw new Error("HYPERCARE_BIN must name the binary under test");
  return path;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

/** What `apply` puts into force: one provider and two routes, so that one can be changed without touching the other. */
export function declarative(upstreamUrl: string): string {
  const variant = (name: string, weight: number, prompt: string) =>
    `[[routes.variants]]\nname = "${name}"\nweight = ${weight}\nprovider = "primary"\nmodel = "mock"\nprompt = "${prompt}"\n`;
  return `
[[providers]]
name = "primary"
kind = "openai"
base_url = "${upstreamUrl}"
api_keys = ["sk-upstream-secret-0123456789"]

[[models]]
provider = "primary"
name = "mock"
context_window = 8192
price = { input = 0.15, output = 0.60, cached_input = 0.075 }

[[prompts]]
name = "support"
[[prompts.versions]]
note = "first"
messages = [{ role = "system", content = "You help customers of the lamp shop." }]
labels = ["production"]
[[prompts.versions]]
note = "shorter"
messages = [{ role = "system", content = "You help customers of the lamp shop. Be brief." }]

[[routes]]
name = "support-bot"
sticky_by = "user"
${variant("control", 90, "support@1")}
${variant("candidate", 10, "support@2")}

[[routes]]
name = "lab"
sticky_by = "user"
${variant("first", 60, "support@production")}
${variant("second", 30, "support@2")}
${variant("third", 10, "support@2")}

[[keys]]
name = "web-app"
secret = "${KEY}"
scopes = ["gateway", "feedback"]
`;
}

export interface CallOptions {
  user?: string;
  session?: string;
  route?: string;
}

/** What the application gets back from a call. */
export interface Answer {
  text: string;
  variant: string;
  prompt: string;
  token: string;
  requestId: string;
}

/** A running server with a folder of its own. */
export class Gateway {
  #child: ChildProcess | undefined;
  /** What it wrote on stderr so far. */
  log = "";

  private constructor(
    readonly url: string,
    private readonly folder: string,
    private readonly environment: NodeJS.ProcessEnv,
  ) {}

  /** Prepares a folder and starts nothing yet. */
  static async prepare(settings: { firstAdmin: boolean }): Promise<Gateway> {
    const folder = await mkdtemp(join(tmpdir(), "hypercare-e2e-"));
    const address = `127.0.0.1:${await freePort()}`;
    const environment = { ...process.env, HYPERCARE_DATA_DIR: join(folder, "data"), HYPERCARE_LISTEN: address, HYPERCARE_LOG: "warn" };
    const admin = settings.firstAdmin ? { HYPERCARE_ADMIN_EMAIL: PERSONAS.admin, HYPERCARE_ADMIN_PASSWORD: PASSWORD } : {};
    return new Gateway(`http://${address}`, folder, { ...environment, ...admin });
  }

  /** Runs one command of the binary to its end; its standard output. */
  async run(args: string[], stdin = ""): Promise<string> {
    const child = spawn(binary(), args, { cwd: this.folder, env: this.environment, stdio: ["pipe", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.on("data", (piece) => (out += piece));
    child.stderr.on("data", (piece) => (err += piece));
    child.stdin.end(stdin);
    const code = await new Promise((exit) => child.on("close", exit));
    if (code !== 0) throw new Error(`hypercare ${args.join(" ")} ended with ${code}: ${err}`);
    return out;
  }

  async apply(toml: string): Promise<void> {
    const path = join(this.folder, "set-up.toml");
    await writeFile(path, toml);
    await this.run(["apply", path]);
  }

  async addPerson(persona: Persona): Promise<void> {
    await this.run(["user", "add", "--email", PERSONAS[persona], "--role", persona, "--password-stdin"], `${PASSWORD}\n`);
  }

  /** Starts serving and returns when it is ready. */
  async serve(): Promise<void> {
    const child = spawn(binary(), ["serve"], { cwd: this.folder, env: this.environment, stdio: ["ignore", "ignore", "pipe"] });
    this.#child = child;
    child.stderr.on("data", (piece) => (this.log += piece));
    const deadline = Date.now() + 20_000;
    while (Date.now() < deadline) {
      if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}:\n${this.log}`);
      const ready = await fetch(`${this.url}/readyz`).catch(() => undefined);
      if (ready?.ok) return;
      await pause(50);
    }
    throw new Error(`the server is not ready after 20 s:\n${this.log}`);
  }

  /** Stops the process in its tracks: connections stay open and nothing comes any more. */
  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child?.kill("SIGCONT");
  }

  async stop(): Promise<void> {
    this.thaw();
    const child = this.#child;
    if (child && child.exitCode === null) {
      const ended = new Promise((exit) => child.on("close", exit));
      child.kill("SIGTERM");
      const patience = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await ended;
      clearTimeout(patience);
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  /** One call as an application makes it. */
  async call(question: string, options: CallOptions = {}): Promise<Answer> {
    const headers: Record<string, string> = { authorization: `Bearer ${KEY}`, "content-type": "application/json" };
    if (options.user) headers["x-hypercare-user"] = options.user;
    if (options.session) headers["x-hypercare-session"] = options.session;
    const body = JSON.stringify({ model: options.route ?? "support-bot", messages: [{ role: "user", content: question }] });
    const response = await fetch(`${this.url}/v1/chat/completions`, { method: "POST", headers, body });
    const text = await response.text();
    if (!response.ok) throw new Error(`the call was answered ${response.status}: ${text}`);
    const header = (name: string) => response.headers.get(name) ?? "";
    return {
      text: (JSON.parse(text) as { choices: { message: { content: string } }[] }).choices[0].message.content,
      variant: header("x-hypercare-variant"),
      prompt: header("x-hypercare-prompt"),
      token: header("x-hypercare-feedback-token"),
      requestId: header("x-request-id"),
    };
  }

  /** Which variant each of these users gets, a few dozen calls at a time. */
  async variantsOf(users: string[], route?: string): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    const queue = [...users];
    const worker = async () => {
      for (let user = queue.pop(); user !== undefined; user = queue.pop()) {
        found.set(user, (await this.call("Which lamp is brightest?", { user, route })).variant);
      }
    };
    await Promise.all(Array.from({ length: 32 }, worker));
    return found;
  }

  /** A feedback token of no call, that is good for so many hours: made here as the server makes them. */
  async token(hours: number): Promise<string> {
    const secret = Buffer.from((await readFile(join(this.folder, "data", "master.key"), "utf8")).trim(), "base64");
    const key = Buffer.from(hkdfSync("sha256", secret, "hypercare", "feedback-token/1", 32));
    const until = Buffer.alloc(4);
    until.writeUInt32BE(Math.floor(Date.now() / 3_600_000) + hours);
    const said = Buffer.concat([randomBytes(16), until]);
    return Buffer.concat([said, createHmac("sha256", key).update(said).digest().subarray(0, 16)]).toString("base64url");
  }

  /** Feedback as the widget sends it. */
  async feedback(token: string, said: object): Promise<void> {
    const body = JSON.stringify({ token, ...said });
    const response = await fetch(`${this.url}/v1/feedback`, { method: "POST", headers: { "content-type": "application/json" }, body });
    if (response.status !== 201) throw new Error(`feedback was answered ${response.status}: ${await response.text()}`);
  }
}
