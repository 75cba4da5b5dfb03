"""The binary under test in front of a small provider, both started here."""

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import anthropic
import anthropic_provider
import gemini_provider
import httpx
import openai
import pytest

APP_KEY = "application-key-of-more-than-24-characters"
GATEWAY_ONLY_KEY = "gateway-only-key-of-more-than-24-characters"
FEEDBACK_ONLY_KEY = "feedback-only-key-of-more-than-24-characters"
READ_KEY = "read-key-of-more-than-24-characters"
MAX_BODY = 64 * 1024
USAGE = {"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29}


class Provider(BaseHTTPRequestHandler):
    """Answers chat calls; the question decides how."""

    protocol_version = "HTTP/1.1"
    # Set once the gateway has hung up on a stream that would never end.
    hung_up = threading.Event()
    bodies: list[dict] = []

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.bodies.append(body)
        if self.path.startswith("/anthropic/"):
            anthropic_provider.answer(self, body, self.reply)
            return
        if self.path.startswith("/gemini/"):
            gemini_provider.answer(self, body, self.reply)
            return
        if any("role" not in message for message in body["messages"]):
            # As OpenAI does it: the gateway leaves the verdict on the inside of messages to the provider.
            self.reply(400, {"error": {"message": "messages: role is missing", "type": "invalid_request_error", "param": "messages", "code": "missing_required_parameter"}})
            return
        question = body["messages"][-1]["content"]
        if question == "Fail":
            self.reply(500, {"error": {"message": "out of order", "type": "api_error", "code": None}})
        elif question == "Refuse":
            self.reply(400, {"error": {"message": "I do not like this.", "type": "invalid_request_error", "param": None, "code": "mock_refused"}})
        elif body.get("stream"):
            self.stream(body, question)
        else:
            message = {"role": "assistant", "content": f"Mock answer to: {question}"}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self.reply(200, {"id": "chatcmpl-mock", "object": "chat.completion", "created": 1, "model": body["model"], "choices": [choice], "usage": USAGE})

    def reply(self, status: int, body: dict) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def stream(self, body: dict, question: str) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        head = {"id": "chatcmpl-mock", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
        with_usage = (body.get("stream_options") or {}).get("include_usage")

        def send(data: str) -> None:
            event = f"data: {data}\n\n".encode()
            self.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")

        def chunk(**part: object) -> None:
            send(json.dumps(head | ({"usage": None} if with_usage else {}) | part))

        def delta(content: dict, finish: str | None = None) -> None:
            chunk(choices=[{"index": 0, "delta": content, "finish_reason": finish}])

        delta({"role": "assistant", "content": ""})
        if question == "Talk for ever":
            try:
                while True:
                    delta({"content": "and "})
                    time.sleep(0.02)
            except OSError:
                self.hung_up.set()
            self.close_connection = True
            return
        for word in ("Mock ", "answer ", "to: ", question):
            delta({"content": word})
        delta({}, "stop")
        if with_usage:
            chunk(choices=[], usage=USAGE)
        send("[DONE]")
        self.wfile.write(b"0\r\n\r\n")


def configuration(provider: str) -> str:
    def key(name: str, secret: str, scopes: list[str], routes: list[str]) -> str:
        return f'[[keys]]\nname = "{name}"\nsecret = "{secret}"\nscopes = {json.dumps(scopes)}\nroutes = {json.dumps(routes)}\n'

    return f"""
[[providers]]
name = "primary"
kind = "openai"
base_url = "{provider}/v1"
api_keys = ["sk-upstream-0123456789"]

[[models]]
provider = "primary"
name = "mock"
price = {{ input = 1.0, output = 2.0 }}

[[providers]]
name = "claude"
kind = "anthropic"
base_url = "{provider}/anthropic/v1"
api_keys = ["sk-ant-upstream-0123456789"]

[[models]]
provider = "claude"
name = "claude-mock"
max_output_tokens = 512
price = {{ input = 3.0, output = 15.0, cached_input = 0.3, cache_write = 3.75 }}

[[providers]]
name = "google"
kind = "gemini"
base_url = "{provider}/gemini/v1beta"
api_keys = ["AIza-upstream-0123456789"]

[[prompts]]
name = "support"
[[prompts.versions]]
note = "first"
messages = [{{ role = "system", content = "You help customers of {{{{ shop }}}}." }}]
variables = {{ shop = {{ default = "the lamp shop" }} }}
labels = ["production"]

[[routes]]
name = "support-bot"
[[routes.variants]]
name = "control"
weight = 100
provider = "primary"
model = "mock"
prompt = "support@production"

[[routes]]
name = "claude-bot"
[[routes.variants]]
name = "control"
weight = 1
provider = "claude"
model = "claude-mock"
prompt = "support@production"

[[routes]]
name = "gemini-bot"
[[routes.variants]]
name = "control"
weight = 1
provider = "google"
model = "gemini-2.5-mock"
prompt = "support@production"

[[routes]]
name = "other"
[[routes.variants]]
name = "only"
weight = 1
provider = "primary"
model = "mock"

{key("app", APP_KEY, ["gateway", "feedback"], ["support-bot", "claude-bot", "gemini-bot"])}
{key("gateway-only", GATEWAY_ONLY_KEY, ["gateway"], [])}
{key("feedback-only", FEEDBACK_ONLY_KEY, ["feedback"], [])}
{key("reader", READ_KEY, ["read"], [])}
"""


@dataclass
class Gateway:
    url: str

    def client(self, key: str = APP_KEY) -> openai.OpenAI:
        # No retries: a test must see the first answer.
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=0, timeout=20)

    def anthropic(self, key: str = APP_KEY) -> anthropic.Anthropic:
        return anthropic.Anthropic(base_url=self.url, api_key=key, max_retries=0, timeout=20)

    def read(self, path: str, **params: str) -> dict:
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=params, headers={"authorization": f"Bearer {READ_KEY}"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def logged(self, request_id: str) -> dict:
        """The log entry of that call, as soon as it is there."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            items = self.read("requests", id=request_id)["items"]
            if items:
                assert len(items) == 1
                return self.read(f"requests/{items[0]['id']}")
            time.sleep(0.05)
        raise AssertionError(f"the call {request_id} is not in the log after 5 s")

    def feedback_tied(self, feedback_id: str) -> dict:
        """That feedback with its request. It may be faster than the log, and is tied when the log has the call."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            found = self.read(f"feedback/{feedback_id}")
            if found["request"] and found["variant"]:
                return found
            time.sleep(0.05)
        raise AssertionError(f"the feedback {feedback_id} has no request after 5 s")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    binary = os.environ["HYPERCARE_BIN"]
    folder: Path = tmp_path_factory.mktemp("hypercare")
    provider = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    provider.daemon_threads = True
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    (folder / "set-up.toml").write_text(configuration(f"http://127.0.0.1:{provider.server_port}"))
    address = f"127.0.0.1:{free_port()}"
    settings = {"HYPERCARE_LISTEN": address, "HYPERCARE_DATA_DIR": str(folder / "data"), "HYPERCARE_MAX_BODY_BYTES": str(MAX_BODY), "HYPERCARE_LOG": "warn"}
    environment = os.environ | settings
    subprocess.run([binary, "apply", str(folder / "set-up.toml")], cwd=folder, env=environment, check=True)
    log = (folder / "log").open("w+")
    server = subprocess.Popen([binary, "serve"], cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        wait_until_ready(f"http://{address}", server)
        yield Gateway(f"http://{address}")
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
        provider.shutdown()


def wait_until_ready(url: str, server: subprocess.Popen) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server ended"
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError("the server is not ready after 20 s")


@pytest.fixture
def client(gateway: Gateway) -> openai.OpenAI:
    return gateway.client()
