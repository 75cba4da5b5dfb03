"""A small provider that speaks Anthropic Messages, as its reference describes them."""

import json
from http.server import BaseHTTPRequestHandler

USAGE = {"input_tokens": 12, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 8, "output_tokens": 7}
TOOL = {"type": "tool_use", "id": "toolu_1", "name": "track", "input": {"order": "4711"}}


def answer(handler: BaseHTTPRequestHandler, body: dict, reply) -> None:
    def refuse(status: int, kind: str, message: str) -> None:
        reply(status, {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_mock"})

    if handler.headers["x-api-key"] != "sk-ant-upstream-0123456789" or "authorization" in handler.headers:
        return refuse(401, "authentication_error", "invalid x-api-key")
    if handler.headers["anthropic-version"] != "2023-06-01":
        return refuse(400, "invalid_request_error", "anthropic-version: header is required")
    if not isinstance(body.get("max_tokens"), int):
        return refuse(400, "invalid_request_error", "max_tokens: Field required")
    if any(message["role"] not in ("user", "assistant") for message in body["messages"]):
        return refuse(400, "invalid_request_error", "messages: Unexpected role")
    question = text(body["messages"][-1]["content"])
    if question == "Overload":
        return refuse(529, "overloaded_error", "Overloaded")
    message = {"id": "msg_mock", "type": "message", "role": "assistant", "model": body["model"], "stop_sequence": None, "usage": USAGE}
    wants_tool = bool(body.get("tools")) and question.startswith("Track")
    content = [TOOL] if wants_tool else [{"type": "text", "text": f"Claude says: {question}"}]
    stop = "tool_use" if wants_tool else "end_turn"
    if body.get("stream"):
        return stream(handler, message, content[0], stop)
    return reply(200, message | {"content": content, "stop_reason": stop})


def text(content: str | list[dict]) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def stream(handler: BaseHTTPRequestHandler, message: dict, block: dict, stop: str) -> None:
    handler.send_response(200)
    handler.send_header("content-type", "text/event-stream; charset=utf-8")
    handler.send_header("transfer-encoding", "chunked")
    handler.end_headers()

    def send(kind: str, **part: object) -> None:
        event = f"event: {kind}\ndata: {json.dumps({'type': kind} | part)}\n\n".encode()
        handler.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")

    send("message_start", message=message | {"content": [], "stop_reason": None, "usage": USAGE | {"output_tokens": 1}})
    if block["type"] == "text":
        send("content_block_start", index=0, content_block={"type": "text", "text": ""})
        send("ping")
        for word in block["text"].split(" "):
            send("content_block_delta", index=0, delta={"type": "text_delta", "text": word + " "})
    else:
        send("content_block_start", index=0, content_block=block | {"input": {}})
        for piece in ('{"order"', ': "4711"}'):
            send("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": piece})
    send("content_block_stop", index=0)
    send("message_delta", delta={"stop_reason": stop, "stop_sequence": None}, usage={"output_tokens": 7})
    send("message_stop")
    handler.wfile.write(b"0\r\n\r\n")
