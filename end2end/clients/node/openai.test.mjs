// The official `openai` client, unchanged but for its base URL, in front of every kind of provider.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { KEY, KINDS, TRACK, logged, start } from "./world.mjs";

let world;
let client;
before(async () => {
  world = await start();
  client = new OpenAI({ baseURL: `${world.url}/v1`, apiKey: KEY, maxRetries: 0 });
});
after(() => world.stop());

const ask = (content) => [{ role: "user", content }];
const tools = [{ type: "function", function: { name: "track", description: "Where a parcel is", parameters: TRACK } }];
const DOT = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

for (const { name, embeds, one } of KINDS) {
  const model = `${name}-bot`;
  describe(`openai in front of ${name}`, () => {
    test("chat, and its entry in the log", async () => {
      const { data, response } = await client.chat.completions.create({ model, messages: ask("Bright?"), user: "ann" }).withResponse();
      assert.equal(data.choices[0].message.content, "Very bright indeed.");
      assert.equal(data.choices[0].finish_reason, "stop");
      assert.ok(data.usage.total_tokens > 0);
      const entry = await logged(world.url, response.headers.get("x-request-id"));
      assert.deepEqual([entry.provider, entry.user_id, entry.response_text, entry.input_tokens], [name, "ann", "Very bright indeed.", data.usage.prompt_tokens]);
    });

    test("a stream, with usage for who asks", async () => {
      const stream = await client.chat.completions.create({ model, messages: ask("Bright?"), stream: true, stream_options: { include_usage: true } });
      let said = "";
      let usage;
      for await (const chunk of stream) {
        said += chunk.choices[0]?.delta?.content ?? "";
        usage = chunk.usage ?? usage;
      }
      assert.equal(said, "Very bright indeed.");
      assert.ok(usage.completion_tokens > 0);
    });

    test("the stream helper, and leaving in the middle", async () => {
      const stream = client.chat.completions.stream({ model, messages: ask("Bright?") });
      assert.equal(await stream.finalContent(), "Very bright indeed.");
      const left = await client.chat.completions.create({ model, messages: ask("Bright?"), stream: true });
      for await (const _ of left) {
        left.controller.abort();
        break;
      }
    });

    test("a tool, several at once, and its result", async () => {
      const one = await client.chat.completions.create({ model, messages: ask("Where is my lamp?"), tools });
      const [call] = one.choices[0].message.tool_calls;
      assert.deepEqual([one.choices[0].finish_reason, call.function.name, JSON.parse(call.function.arguments)], ["tool_calls", "track", { order: "7" }]);
      const two = await client.chat.completions.create({ model, messages: ask("Both of them"), tools });
      assert.deepEqual(two.choices[0].message.tool_calls.map((c) => JSON.parse(c.function.arguments).order), ["7", "8"]);
      assert.equal(new Set(two.choices[0].message.tool_calls.map((c) => c.id)).size, 2);
      const streamed = client.chat.completions.stream({ model, messages: ask("Both of them"), tools });
      const message = await streamed.finalMessage();
      assert.deepEqual(message.tool_calls.map((c) => JSON.parse(c.function.arguments).order), ["7", "8"]);
      const results = two.choices[0].message.tool_calls.map((c) => ({ role: "tool", tool_call_id: c.id, content: "on its way" }));
      const again = await client.chat.completions.create({ model, messages: [...ask("Bright?"), two.choices[0].message, ...results, ...ask("Bright?")], tools });
      assert.equal(again.choices[0].message.content, "Very bright indeed.");
    });

    test("an answer of a given form", async () => {
      const Lamp = z.object({ colour: z.string(), watts: z.number() });
      const completion = await client.chat.completions.parse({ model, messages: ask("As JSON"), response_format: zodResponseFormat(Lamp, "lamp") });
      assert.deepEqual(completion.choices[0].message.parsed, { colour: "white", watts: 9 });
    });

    test("a picture", async () => {
      const content = [{ type: "text", text: "Picture?" }, { type: "image_url", image_url: { url: DOT } }];
      const completion = await client.chat.completions.create({ model, messages: [{ role: "user", content }] });
      assert.equal(completion.choices[0].message.content, "A lamp.");
    });

    test("responses, whole and streamed, going on from an answer", async () => {
      const first = await client.responses.create({ model, input: "Bright?" });
      assert.equal(first.output_text, "Very bright indeed.");
      const stream = await client.responses.create({ model, input: "Bright?", stream: true });
      let said = "";
      let last;
      for await (const event of stream) {
        if (event.type === "response.output_text.delta") said += event.delta;
        last = event;
      }
      assert.deepEqual([said, last.type], ["Very bright indeed.", "response.completed"]);
      const next = await client.responses.create({ model, input: "Picture?", previous_response_id: first.id });
      assert.equal(next.output_text, "A lamp.");
    });

    test("embeddings", { skip: embeds ? false : "it has none" }, async () => {
      const answer = await client.embeddings.create({ model, input: one ? ["a cat"] : ["a cat", "a dog"] });
      assert.equal(answer.data.length, one ? 1 : 2);
      assert.ok(answer.data.every((vector) => vector.embedding.length > 0 && vector.embedding.every(Number.isFinite)));
    });

    test("a rate limit is the client's RateLimitError", async () => {
      await assert.rejects(client.chat.completions.create({ model, messages: ask("Too often") }), (error) => {
        assert.ok(error instanceof OpenAI.RateLimitError, String(error));
        assert.ok(error.headers.get("retry-after"));
        return true;
      });
    });
  });
}

test("errors are the client's own classes", async () => {
  const wrong = new OpenAI({ baseURL: `${world.url}/v1`, apiKey: "nobody", maxRetries: 0 });
  await assert.rejects(wrong.models.list(), OpenAI.AuthenticationError);
  await assert.rejects(client.chat.completions.create({ model: "nobody-bot", messages: ask("?") }), OpenAI.NotFoundError);
  await assert.rejects(client.chat.completions.create({ model: "openai-bot" }), OpenAI.BadRequestError);
  await assert.rejects(client.embeddings.create({ model: "anthropic-bot", input: "a cat" }), OpenAI.BadRequestError);
});

test("models are listed", async () => {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.deepEqual(names, KINDS.map(({ name }) => `${name}-bot`).sort());
});
