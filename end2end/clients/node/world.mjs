// The binary under test in front of aimock, a mock of model providers that others keep: https://github.com/CopilotKit/aimock. Its answers follow the vendors' wire formats
// and are checked against the real services every day by its makers.
import { LLMock } from "@copilotkit/aimock";
import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

export const KEY = "application-key-of-more-than-24-characters";

/** A kind of provider: its table in the file, and what it can. Adding one is one line. */
export const KINDS = [
  { name: "openai", table: 'kind = "openai"', path: "/v1", embeds: true },
  { name: "azure", table: 'kind = "azure"', path: "/openai?api-version=2024-10-21", embeds: true },
  { name: "anthropic", table: 'kind = "anthropic"', path: "/v1", embeds: false },
  // The mock has no batches of embeddings.
  { name: "gemini", table: 'kind = "gemini"', path: "/v1beta", embeds: true, one: true },
  // Signed with an access key; embeddings are another call there, which the mock does not have.
  { name: "bedrock", table: 'kind = "bedrock"', path: "", embeds: false, key: "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" },
  // OpenAI itself, asked in Responses by who speaks Responses.
  { name: "responses", table: 'kind = "openai"\nresponses_api = true', path: "/v1", embeds: true },
];

export const TRACK = { type: "object", properties: { order: { type: "string" } }, required: ["order"], additionalProperties: false };

function fixtures(mock) {
  const usage = { input_tokens: 12, output_tokens: 5, prompt_tokens: 12, completion_tokens: 5, total_tokens: 17, inputTokens: 12, outputTokens: 5, promptTokenCount: 12, candidatesTokenCount: 5, totalTokenCount: 17 };
  mock.onMessage("Bright?", { content: "Very bright indeed.", usage });
  mock.onMessage("Picture?", { content: "A lamp." });
  mock.onMessage(/^Where is/, { toolCalls: [{ name: "track", arguments: '{"order":"7"}' }] });
  mock.onMessage(/^Both/, { toolCalls: [{ name: "track", arguments: '{"order":"7"}' }, { name: "track", arguments: '{"order":"8"}' }] });
  mock.onMessage("As JSON", { content: '{"colour":"white","watts":9}' });
  mock.onMessage("Too often", { error: { message: "slow down", type: "rate_limit_error" }, status: 429 });
  mock.onEmbedding("a cat", { embedding: [0.25, -0.5, 1] });
  mock.onEmbedding("a dog", { embedding: [0.5, 2, -1] });
}

async function freePort() {
  const server = createServer();
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

function configuration(mock) {
  const provider = ({ name, table, path, key = "sk-upstream-0123456789" }) => `
[[providers]]
name = "${name}"
${table}
base_url = "${mock}${path}"
api_keys = ["${key}"]
[[models]]
provider = "${name}"
name = "mock-model"
max_output_tokens = 512
price = { input = 1.0, output = 2.0 }
[[routes]]
name = "${name}-bot"
[[routes.variants]]
name = "only"
weight = 1
provider = "${name}"
model = "mock-model"
`;
  return `${KINDS.map(provider).join("")}\n[[keys]]\nname = "app"\nsecret = "${KEY}"\nscopes = ["gateway", "read"]\n`;
}

/** Starts everything once for a file of tests; gives the gateway's address and the mock. */
export async function start() {
  const mock = new LLMock({ port: 0, logLevel: "silent" });
  fixtures(mock);
  await mock.start();
  const folder = await mkdtemp(join(tmpdir(), "hypercare-node-"));
  const address = `127.0.0.1:${await freePort()}`;
  const env = { ...process.env, HYPERCARE_LISTEN: address, HYPERCARE_DATA_DIR: join(folder, "data"), HYPERCARE_LOG: "warn" };
  const binary = process.env.HYPERCARE_BIN;
  if (!binary) throw new Error("HYPERCARE_BIN must name the binary under test");
  await writeFile(join(folder, "set-up.toml"), configuration(mock.url));
  const applied = spawnSync(binary, ["apply", join(folder, "set-up.toml")], { cwd: folder, env, encoding: "utf8" });
  if (applied.status !== 0) throw new Error(applied.stderr);
  const server = spawn(binary, ["serve"], { cwd: folder, env, stdio: ["ignore", "inherit", "inherit"] });
  const url = `http://${address}`;
  for (let i = 0; ; i++) {
    if (await fetch(`${url}/readyz`).then((answer) => answer.ok, () => false)) break;
    if (i > 400) throw new Error("the server is not ready after 20 s");
    await pause(50);
  }
  const stop = async () => {
    server.kill();
    await new Promise((ended) => server.once("exit", ended));
    await mock.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { url, mock, stop };
}

/** The log entry of a call, as soon as it is there. */
export async function logged(url, id) {
  for (let i = 0; i < 100; i++) {
    const answer = await fetch(`${url}/api/v1/requests/${id}`, { headers: { authorization: `Bearer ${KEY}` } });
    if (answer.ok) return answer.json();
    await pause(50);
  }
  throw new Error(`the call ${id} is not in the log`);
}
