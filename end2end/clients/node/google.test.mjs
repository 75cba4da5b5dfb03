// Google's official `@google/genai` client, unchanged but for its base URL, in front of every kind of provider.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ApiError, GoogleGenAI } from "@google/genai";
import { KEY, KINDS, TRACK, start } from "./world.mjs";

let world;
let client;
before(async () => {
  world = await start();
  client = new GoogleGenAI({ apiKey: KEY, httpOptions: { baseUrl: world.url } });
});
after(() => world.stop());

const tools = [{ functionDeclarations: [{ name: "track", description: "Where a parcel is", parametersJsonSchema: TRACK }] }];

for (const { name, embeds, one } of KINDS) {
  const model = `${name}-bot`;
  describe(`@google/genai in front of ${name}`, () => {
    test("an answer", async () => {
      const answer = await client.models.generateContent({ model, contents: "Bright?", config: { systemInstruction: "Be brief.", maxOutputTokens: 64 } });
      assert.deepEqual([answer.text, answer.candidates[0].finishReason], ["Very bright indeed.", "STOP"]);
      assert.ok(answer.usageMetadata.promptTokenCount > 0);
    });

    test("a stream", async () => {
      let said = "";
      for await (const chunk of await client.models.generateContentStream({ model, contents: "Bright?" })) said += chunk.text ?? "";
      assert.equal(said, "Very bright indeed.");
    });

    test("tools, several at once", async () => {
      const answer = await client.models.generateContent({ model, contents: "Both of them", config: { tools } });
      assert.deepEqual(answer.functionCalls.map((call) => call.args.order), ["7", "8"]);
    });

    test("tokens are counted", async () => {
      const { totalTokens } = await client.models.countTokens({ model, contents: "Bright?" });
      assert.ok(totalTokens > 0 && totalTokens < 100, String(totalTokens));
    });

    test("embeddings", { skip: embeds ? false : "it has none" }, async () => {
      const { embeddings } = await client.models.embedContent({ model, contents: one ? ["a cat"] : ["a cat", "a dog"] });
      assert.equal(embeddings.length, one ? 1 : 2);
      assert.ok(embeddings.every((vector) => vector.values.length > 0));
    });
  });
}

test("errors are the client's own class", async () => {
  const status = async (promise) => promise.then(() => 200, (error) => (error instanceof ApiError ? error.status : Promise.reject(error)));
  const wrong = new GoogleGenAI({ apiKey: "nobody", httpOptions: { baseUrl: world.url } });
  assert.equal(await status(wrong.models.generateContent({ model: "openai-bot", contents: "?" })), 401);
  assert.equal(await status(client.models.generateContent({ model: "nobody-bot", contents: "?" })), 404);
});
