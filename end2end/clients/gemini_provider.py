"""A small provider that speaks Google's generateContent, as its reference describes it."""

import json
from http.server import BaseHTTPRequestHandler

USAGE = {"promptTokenCount": 10, "cachedContentTokenCount": 4, "candidatesTokenCount": 5, "thoughtsTokenCount": 3, "totalTokenCount": 18}
CALL = {"functionCall": {"name": "track", "args": {"order": "4711"}}}


def answer(handler: BaseHTTPRequestHandler, body: dict, reply) -> None:
    def refuse(status: int, name: str, message: str) -> None:
        reply(status, {"error": {"code": status, "message": message, "status": name}})

    if handler.headers["x-goog-api-key"] != "AIza-upstream-0123456789":
        return refuse(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")
    if any(content["role"] not in ("user", "model") for content in body["contents"]):
        return refuse(400, "INVALID_ARGUMENT", "Please use a valid role: user, model.")
    if "model" in body or "stream" in body:
        return refuse(400, "INVALID_ARGUMENT", 'Invalid JSON payload received. Unknown name "model": Cannot find field.')
    question = "".join(part.get("text", "") for part in body["contents"][-1]["parts"])
    part = CALL if body.get("tools") and question.startswith("Track") else {"text": f"Gemini says: {question}"}

    def event(parts: list[dict], **more: object) -> dict:
        candidate = {"content": {"role": "model", "parts": parts}, "index": 0} | more
        return {"candidates": [candidate], "usageMetadata": USAGE, "modelVersion": "gemini-mock", "responseId": "resp-mock"}

    if handler.path.endswith("models/gemini-2.5-mock:generateContent"):
        return reply(200, event([part], finishReason="STOP"))
    if not handler.path.endswith("models/gemini-2.5-mock:streamGenerateContent?alt=sse"):
        return refuse(404, "NOT_FOUND", f"{handler.path} is not found")
    handler.send_response(200)
    handler.send_header("content-type", "text/event-stream")
    handler.send_header("transfer-encoding", "chunked")
    handler.end_headers()
    pieces = [{"text": word + " "} for word in part["text"].split(" ")] if "text" in part else [part]
    for i, piece in enumerate(pieces):
        last = {"finishReason": "STOP"} if i == len(pieces) - 1 else {}
        data = f"data: {json.dumps(event([piece], **last))}\r\n\r\n".encode()
        handler.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
    return handler.wfile.write(b"0\r\n\r\n")
