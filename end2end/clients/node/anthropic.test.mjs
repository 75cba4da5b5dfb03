// The official `@anthropic-ai/sdk` client, unchanged but for its base URL, in front of every kind of provider.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { KEY, KINDS, TRACK, start } from "./world.mjs";

let world;
let client;
before(async () => {
  world = await start();
  client = new Anthropic({ baseURL: world.url, apiKey: KEY, maxRetries: 0 });
});
after(() => world.stop());

const ask = (content) => [{ role: "user", content }];
const tools = [{ name: "track", description: "Where a parcel is", input_schema: TRACK }];

for (const { name } of KINDS) {
  const model = `${name}-bot`;
  describe(`@anthropic-ai/sdk in front of ${name}`, () => {
    test("messages", async () => {
      const message = await client.messages.create({ model, max_tokens: 64, system: "Be brief.", messages: ask("Bright?") });
      assert.deepEqual([message.type, message.role, message.stop_reason, message.content[0].text], ["message", "assistant", "end_turn", "Very bright indeed."]);
      assert.ok(message.usage.output_tokens > 0);
    });

    test("the stream helper", async () => {
      const stream = client.messages.stream({ model, max_tokens: 64, messages: ask("Bright?") });
      let said = "";
      stream.on("text", (text) => (said += text));
      const message = await stream.finalMessage();
      assert.deepEqual([said, message.stop_reason], ["Very bright indeed.", "end_turn"]);
    });

    test("tools, several at once, whole and streamed", async () => {
      const whole = await client.messages.create({ model, max_tokens: 64, messages: ask("Both of them"), tools });
      const used = (message) => message.content.filter((block) => block.type === "tool_use").map((block) => block.input.order);
      assert.deepEqual([whole.stop_reason, used(whole)], ["tool_use", ["7", "8"]]);
      const streamed = await client.messages.stream({ model, max_tokens: 64, messages: ask("Both of them"), tools }).finalMessage();
      assert.deepEqual([streamed.stop_reason, used(streamed)], ["tool_use", ["7", "8"]]);
    });

    test("tokens are counted", async () => {
      const count = await client.messages.countTokens({ model, system: "Be brief.", messages: ask("Bright?") });
      assert.ok(count.input_tokens > 0 && count.input_tokens < 100, String(count.input_tokens));
    });

    test("a rate limit is the client's RateLimitError", async () => {
      await assert.rejects(client.messages.create({ model, max_tokens: 9, messages: ask("Too often") }), Anthropic.RateLimitError);
    });
  });
}

test("errors are the client's own classes", async () => {
  const wrong = new Anthropic({ baseURL: world.url, apiKey: "nobody", maxRetries: 0 });
  await assert.rejects(wrong.messages.create({ model: "openai-bot", max_tokens: 9, messages: ask("?") }), Anthropic.AuthenticationError);
  await assert.rejects(client.messages.create({ model: "nobody-bot", max_tokens: 9, messages: ask("?") }), Anthropic.NotFoundError);
  await assert.rejects(client.messages.create({ model: "openai-bot", max_tokens: 9 }), Anthropic.BadRequestError);
});
