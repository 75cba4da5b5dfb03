// A tiny OpenAI-compatible provider: answers whole and as a stream, always the same way for the same question.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Upstream {
  /** Base URL up to and with `/v1`. */
  url: string;
  close(): Promise<void>;
}

interface ChatBody {
  model: string;
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
  messages: { role: string; content: string }[];
}

const USAGE = { prompt_tokens: 20, completion_tokens: 9, total_tokens: 29 };

/** What this provider says to a question. */
export function answerTo(question: string): string {
  return `Mock answer to: ${question}`;
}

async function read(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString("utf8");
}

function whole(body: ChatBody, text: string): string {
  return JSON.stringify({
    id: "chatcmpl-mock",
    object: "chat.completion",
    created: 1_700_000_000,
    model: body.model,
    choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }],
    usage: USAGE,
  });
}

function stream(response: ServerResponse, body: ChatBody, text: string): void {
  const head = { id: "chatcmpl-mock", object: "chat.completion.chunk", created: 1_700_000_000, model: body.model };
  const wantsUsage = body.stream_options?.include_usage;
  const send = (part: object) => response.write(`data: ${JSON.stringify({ ...head, ...(wantsUsage ? { usage: null } : {}), ...part })}\n\n`);
  response.writeHead(200, { "content-type": "text/event-stream" });
  send({ choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }] });
  for (const word of text.split(/(?<= )/)) send({ choices: [{ index: 0, delta: { content: word }, finish_reason: null }] });
  send({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
  if (wantsUsage) send({ choices: [], usage: USAGE });
  response.end("data: [DONE]\n\n");
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== "POST" || request.url !== "/v1/chat/completions") {
    response.writeHead(404, { "content-type": "application/json" }).end('{"error":{"message":"no such call","type":"not_found_error","code":null}}');
    return;
  }
  const body = JSON.parse(await read(request)) as ChatBody;
  const question = body.messages.at(-1)?.content ?? "";
  if (question.startsWith("Fail ")) {
    response.writeHead(400, { "content-type": "application/json" });
    response.end('{"error":{"message":"The mock was told to fail.","type":"invalid_request_error","param":null,"code":"mock_failure"}}');
  } else if (body.stream) {
    stream(response, body, answerTo(question));
  } else {
    response.writeHead(200, { "content-type": "application/json" }).end(whole(body, answerTo(question)));
  }
}

/** Starts it on a free port of this machine. */
export async function startUpstream(): Promise<Upstream> {
  const server: Server = createServer((request, response) => {
    answer(request, response).catch((why: unknown) => response.writeHead(500).end(String(why)));
  });
  // Idle connections stay open, so that the gateway's pool never meets one that was just closed.
  server.keepAliveTimeout = 300_000;
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
