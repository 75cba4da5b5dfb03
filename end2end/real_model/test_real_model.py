"""The official client against a real model behind the gateway, which `cargo xtask real-model` starts.

What a small model says cannot be foreseen; that it says something, is counted, logged, judged and found again can.
"""

import os
import time

import httpx
import openai
import pytest

URL = os.environ["HYPERCARE_URL"].rstrip("/")
KEY = os.environ["HYPERCARE_KEY"]
ADMIN_KEY = os.environ["HYPERCARE_ADMIN_KEY"]
ROUTE = os.environ["HYPERCARE_ROUTE"]


@pytest.fixture(scope="module")
def client() -> openai.OpenAI:
    # A small model on two cores takes its time.
    return openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0, timeout=180)


def ask(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def read(path: str, **params: str) -> dict:
    answer = httpx.get(f"{URL}/api/v1/{path}", params=params, headers={"authorization": f"Bearer {ADMIN_KEY}"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def logged(request_id: str) -> dict:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        items = read("requests", id=request_id)["items"]
        if items:
            return read(f"requests/{items[0]['id']}")
        time.sleep(0.1)
    raise AssertionError(f"the call {request_id} is not in the log after 10 s")


def show(question: str, answer: str) -> None:
    print(f"\n  asked: {question}\n  said:  {' '.join(answer.split())}")


def test_chat(client: openai.OpenAI) -> None:
    question = "What is the capital of France?"
    raw = client.chat.completions.with_raw_response.create(model=ROUTE, messages=ask(question), max_tokens=60)
    answer = raw.parse()
    text = answer.choices[0].message.content
    show(question, text)
    assert text.strip()
    assert answer.usage.prompt_tokens > 0
    assert answer.usage.completion_tokens > 0
    assert raw.headers["x-hypercare-route"] == ROUTE
    assert raw.headers["x-hypercare-prompt"] == "helper@1"
    entry = logged(raw.headers["x-request-id"])
    assert entry["outcome"] == "ok"
    assert entry["response_text"] == text
    assert (entry["input_tokens"], entry["output_tokens"]) == (answer.usage.prompt_tokens, answer.usage.completion_tokens)
    assert entry["cost"] > 0
    took, own = entry["duration_us"], entry["overhead_us"]
    print(f"  took {took / 1e6:.2f} s, of which {own} µs in the gateway; {entry['input_tokens']} tokens in, {entry['output_tokens']} out")


def test_stream(client: openai.OpenAI) -> None:
    question = "Name three colours."
    raw = client.chat.completions.with_raw_response.create(model=ROUTE, messages=ask(question), max_tokens=60, stream=True)
    began = time.monotonic()
    arrivals, text, finish = [], "", None
    for chunk in raw.parse():
        for choice in chunk.choices:
            if choice.delta.content:
                arrivals.append(time.monotonic() - began)
                text += choice.delta.content
            finish = choice.finish_reason or finish
    show(question, text)
    print(f"  {len(arrivals)} pieces, the first after {arrivals[0]:.2f} s, the last after {arrivals[-1]:.2f} s")
    assert finish in ("stop", "length")
    assert len(arrivals) > 3, "it comes in pieces"
    entry = logged(raw.headers["x-request-id"])
    assert (entry["streamed"], entry["outcome"]) == (True, "ok")
    assert entry["response_text"] == text
    assert entry["first_token_us"] <= entry["duration_us"]


def test_models(client: openai.OpenAI) -> None:
    assert [m.id for m in client.models.list()] == [ROUTE]
    assert client.models.retrieve(ROUTE).id == ROUTE


def test_errors(client: openai.OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="not-a-key").chat.completions.create(model=ROUTE, messages=ask("Hello"))
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model=f"{ROUTE}x", messages=ask("Hello"))
    assert f"`{ROUTE}`" in unknown.value.message, "the nearest name is told"
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=ROUTE, messages="Hello")


def test_a_prompt_longer_than_the_window_is_refused_by_the_model(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as error:
        client.chat.completions.create(model=ROUTE, messages=ask("lamp " * 6_000), max_tokens=5)
    print(f"\n  answered {error.value.status_code}: {error.value.message[:160]}")
    assert error.value.status_code in (400, 502), "the provider's verdict, or its trouble"


def test_hanging_up_stops_the_model(client: openai.OpenAI) -> None:
    stream = client.chat.completions.with_raw_response.create(
        model=ROUTE, messages=ask("Tell me a very long story."), max_tokens=600, stream=True
    )
    chunks = stream.parse()
    for chunk in chunks:
        if chunk.choices and chunk.choices[0].delta.content:
            break
    chunks.response.close()
    entry = logged(stream.headers["x-request-id"])
    assert entry["outcome"] == "client_closed"


def test_feedback_on_that_very_answer(client: openai.OpenAI) -> None:
    question = "My name is Ann. What is my name?"
    raw = client.chat.completions.with_raw_response.create(
        model=ROUTE, messages=ask(question), max_tokens=40, user="ann", extra_headers={"x-hypercare-session": "real-1"}
    )
    show(question, raw.parse().choices[0].message.content)
    request_id = raw.headers["x-request-id"]
    said = {"token": raw.headers["x-hypercare-feedback-token"], "rating": "down", "categories": ["forgot_context"], "comment": "Judged by the test."}
    sent = httpx.post(f"{URL}/v1/feedback", json=said)
    assert sent.status_code == 201, sent.text
    assert sent.json()["request_id"] == request_id
    entry = logged(request_id)
    found = [item for item in read("feedback")["items"] if item["id"] == sent.json()["id"]]
    assert len(found) == 1
    wanted = {"request_id": request_id, "rating": "down", "comment": "Judged by the test.", "route": ROUTE, "session_id": "real-1"}
    assert {name: found[0][name] for name in wanted} == wanted
    assert entry["id"] == found[0]["request"]
