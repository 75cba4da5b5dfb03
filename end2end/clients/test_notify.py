"""News as they arrive: e-mail at a mail server that others wrote, webhooks checked by the official library of Standard Webhooks."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import conftest
import httpx
import pytest
from aiosmtpd.controller import Controller
from standardwebhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ADMIN_KEY = "admin-key-of-more-than-24-characters"


@dataclass
class Letterbox:
    """What the mail server took; an address that begins with `no` is refused for good."""

    letters: list[tuple[list[str], EmailMessage]] = field(default_factory=list)

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        if address.startswith("no"):
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:
        self.letters.append((list(envelope.rcpt_tos), message_from_bytes(envelope.content, policy=policy.default)))
        return "250 taken"

    def to(self, address: str) -> list[EmailMessage]:
        return [letter for recipients, letter in self.letters if address in recipients]


class Hook(BaseHTTPRequestHandler):
    """A receiver that keeps what it got, and fails the first time it is called."""

    got: list[tuple[dict, bytes]] = []
    calls = 0

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        type(self).calls += 1
        if self.calls > 1:
            self.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(500 if self.calls == 1 else 204)
        self.end_headers()


@dataclass
class World:
    url: str
    mail: Letterbox

    def send(self, method: str, path: str, **body: object) -> dict:
        answer = httpx.request(method, f"{self.url}/api/v1/{path}", json=body or None, headers={"authorization": f"Bearer {ADMIN_KEY}"})
        assert answer.status_code < 300, f"{path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else {}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    binary = os.environ["HYPERCARE_BIN"]
    folder: Path = tmp_path_factory.mktemp("notify")
    box = Letterbox()
    smtp = Controller(box, hostname="127.0.0.1", port=conftest.free_port())
    smtp.start()
    hook = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    hook.daemon_threads = True
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    provider = ThreadingHTTPServer(("127.0.0.1", 0), conftest.Provider)
    provider.daemon_threads = True
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    channels = f"""
[[keys]]
name = "admin"
secret = "{ADMIN_KEY}"
scopes = ["admin", "read"]

[[channels]]
name = "hook"
kind = "webhook"
url = "http://127.0.0.1:{hook.server_port}/hook"
secret = "{SECRET}"
allow_private = true
events = ["issue.created", "feedback.resolved"]

[[channels]]
name = "letters"
kind = "email"
to = ["team@shop.example", "reporters"]
events = ["issue.created", "issue.changed", "feedback.resolved", "feedback.flagged"]
"""
    (folder / "set-up.toml").write_text(conftest.configuration(f"http://127.0.0.1:{provider.server_port}") + channels)
    address = f"127.0.0.1:{conftest.free_port()}"
    mail = {"HYPERCARE_SMTP_URL": f"smtp://127.0.0.1:{smtp.port}", "HYPERCARE_MAIL_FROM": "hypercare <care@shop.example>"}
    environment = os.environ | mail | {"HYPERCARE_LISTEN": address, "HYPERCARE_DATA_DIR": str(folder / "data"), "HYPERCARE_LOG": "warn"}
    subprocess.run([binary, "apply", "set-up.toml"], cwd=folder, env=environment, check=True)
    again = subprocess.run([binary, "apply", "set-up.toml"], cwd=folder, env=environment, check=True, capture_output=True, text=True)
    assert "channel" not in again.stdout, f"the same file again changes nothing: {again.stdout}"
    server = subprocess.Popen([binary, "serve"], cwd=folder, env=environment)
    try:
        conftest.wait_until_ready(f"http://{address}", server)
        yield World(f"http://{address}", box)
    finally:
        server.terminate()
        server.wait(10)
        smtp.stop()
        hook.shutdown()
        provider.shutdown()


def soon(what: Callable[[], object], why: str) -> object:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within 20 s: {why}")


def complain(world: World, user: str, **more: object) -> str:
    headers = {"authorization": f"Bearer {conftest.APP_KEY}", "x-hypercare-user": user}
    call = httpx.post(f"{world.url}/v1/chat/completions", json={"model": "support-bot", "messages": [{"role": "user", "content": "Hello"}]}, headers=headers)
    said = {"request_id": call.headers["x-request-id"], "rating": "down", "comment": f"Not good, says {user}", "user": user} | more
    answer = httpx.post(f"{world.url}/v1/feedback", json=said, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def test_what_was_reported_is_fixed_and_each_reporter_is_told_by_themselves(world: World) -> None:
    ids = [complain(world, "eve@example.org"), complain(world, "user-7", metadata={"email": "mallory@example.org"}), complain(world, "user-8"), complain(world, "nobody@example.org")]
    issue = world.send("POST", "issues", title="Forgets\r\nBcc: everybody@example.org", severity="high", type="context", feedback=ids)
    number = issue["number"]
    first = soon(lambda: world.mail.to("team@shop.example"), "the team hears of the issue")[0]
    assert first["From"] == "hypercare <care@shop.example>" and first["Subject"].startswith(f"New issue {number}: Forgets"), first["Subject"]
    assert first["Auto-Submitted"] == "auto-generated" and first["Bcc"] is None
    assert f"/issues/{number}" in first.get_content() and "Severity: high" in first.get_content()

    world.send("PATCH", f"issues/{number}", public={"title": "Answers forgot order numbers", "workaround": ""})
    world.send("PATCH", f"issues/{number}", state="closed")
    eve = soon(lambda: world.mail.to("eve@example.org"), "Eve is told")
    mallory = soon(lambda: world.mail.to("mallory@example.org"), "Mallory is told")
    for letters in (eve, mallory):
        assert len(letters) == 1 and letters[0]["Subject"] == "What you told us has been fixed"
        assert "Answers forgot order numbers" in letters[0].get_content()
        assert "/issues/" not in letters[0].get_content(), "no address of the control room"
    assert eve[0]["To"] == "eve@example.org", "nobody sees who else complained"
    threads = {letter["References"] for letter in world.mail.to("team@shop.example") if letter["References"]}
    assert threads == {f"<issue-{number}@shop.example>"}, "what concerns one issue is one thread"

    def given_up() -> object:
        rows = world.send("GET", "channels/letters/deliveries")["items"]
        refused = [row for row in rows if "550" in row["answer"]]
        return refused and refused[0]["next_at"] is None and refused[0]["attempts"] == 1

    soon(given_up, "an address that does not exist is not tried again")


def test_a_webhook_is_tried_again_and_holds_for_the_official_library(world: World) -> None:
    soon(lambda: len(Hook.got) >= 2, "both news, the first after a failure")
    kinds = set()
    for headers, body in Hook.got:
        kinds.add(Webhook(SECRET).verify(body, headers)["type"])
        with pytest.raises(Exception):
            Webhook(SECRET).verify(body + b" ", headers)
    assert kinds == {"issue.created", "feedback.resolved"}
    resolved = next(json.loads(body) for _, body in Hook.got if b"feedback.resolved" in body)
    assert {reporter["user"] for reporter in resolved["data"]["reporters"]} == {"eve@example.org", "user-7", "user-8", "nobody@example.org"}


def test_a_report_of_harm_is_told_without_its_words(world: World) -> None:
    complain(world, "zoe", flag="harmful", comment="It told me to lick the lamp.")
    letter = soon(lambda: [one for one in world.mail.to("team@shop.example") if "harmful" in one["Subject"]], "the report is told")[0]
    assert "lick" not in letter.as_string()
