"""The official OpenAI client, unchanged: only the base URL, the key and the model differ."""

import uuid

import httpx
import openai
import pytest
from conftest import APP_KEY, FEEDBACK_ONLY_KEY, GATEWAY_ONLY_KEY, MAX_BODY, Gateway, Provider

ROUTE = "support-bot"


def ask(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def test_chat(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=ROUTE, messages=ask("Is it bright?"))
    assert answer.choices[0].message.content == "Mock answer to: Is it bright?"
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (20, 9)


def test_the_prompt_goes_before_what_the_app_sends(client: openai.OpenAI) -> None:
    client.chat.completions.create(model=ROUTE, messages=ask("Who are you?"), metadata={"prompt_variables": '{"shop": "Nordlicht"}'})
    body = next(body for body in Provider.bodies if body.get("messages", [{}])[-1].get("content") == "Who are you?")
    assert body["messages"][0] == {"role": "system", "content": "You help customers of Nordlicht."}
    assert body["model"] == "mock"


def test_stream_without_usage(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(model=ROUTE, messages=ask("Stream it"), stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == "Mock answer to: Stream it"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(c.usage is None for c in chunks), "usage was asked of the provider, but not by the caller"


def test_stream_with_usage(client: openai.OpenAI, gateway: Gateway) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model=ROUTE, messages=ask("Stream and count"), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(raw.parse())
    assert "".join(c.choices[0].delta.content or "" for c in chunks[:-1]) == "Mock answer to: Stream and count"
    assert chunks[-1].choices == []
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (20, 9)
    assert all(c.usage is None for c in chunks[:-1])
    logged = gateway.logged(raw.headers["x-request-id"])
    assert (logged["streamed"], logged["outcome"]) == (True, "ok")
    assert (logged["input_tokens"], logged["output_tokens"]) == (20, 9)
    assert logged["response_text"] == "Mock answer to: Stream and count"


def test_a_stream_is_logged_with_its_tokens_even_if_the_caller_did_not_ask(client: openai.OpenAI, gateway: Gateway) -> None:
    raw = client.chat.completions.with_raw_response.create(model=ROUTE, messages=ask("Count for us"), stream=True)
    list(raw.parse())
    logged = gateway.logged(raw.headers["x-request-id"])
    assert (logged["input_tokens"], logged["output_tokens"]) == (20, 9)
    # 20 tokens for 1 USD and 9 for 2 USD a million are 38 millionths.
    assert logged["cost"] == 38_000


def test_models(client: openai.OpenAI, gateway: Gateway) -> None:
    assert [m.id for m in client.models.list()] == ["claude-bot", "gemini-bot", ROUTE], "only what the key may call"
    assert {m.id for m in gateway.client(GATEWAY_ONLY_KEY).models.list()} == {ROUTE, "claude-bot", "gemini-bot", "other"}
    assert client.models.retrieve(ROUTE).id == ROUTE
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("other")


def test_a_wrong_key(gateway: Gateway) -> None:
    with pytest.raises(openai.AuthenticationError) as error:
        gateway.client("not-a-key").chat.completions.create(model=ROUTE, messages=ask("Hello"))
    assert error.value.code == "invalid_api_key"
    with pytest.raises(openai.AuthenticationError):
        gateway.client("not-a-key").models.list()


def test_a_refused_call_leaves_the_connection_usable(gateway: Gateway) -> None:
    # One try proves little: the connection that is closed too early meets only some of the next calls.
    # A large body is one that is on its way still when the refusal comes.
    large, small = ({"model": ROUTE, "messages": ask(text)} for text in ("x" * 300_000, "Hello"))
    url = f"{gateway.url}/v1/chat/completions"
    for _ in range(60):
        with httpx.Client() as http:
            assert http.post(url, json=large, headers={"authorization": "Bearer not-a-key"}).status_code == 401
            assert http.post(url, json=small, headers={"authorization": f"Bearer {APP_KEY}"}).status_code == 200


def test_a_key_without_the_scope(gateway: Gateway) -> None:
    with pytest.raises(openai.PermissionDeniedError):
        gateway.client(FEEDBACK_ONLY_KEY).chat.completions.create(model=ROUTE, messages=ask("Hello"))


def test_an_unknown_model_names_the_nearest(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as error:
        client.chat.completions.create(model="suport-bot", messages=ask("Hello"))
    assert error.value.code == "model_not_found"
    assert error.value.param == "model"
    assert "`support-bot`" in error.value.message


def test_a_route_of_somebody_else_does_not_exist(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="other", messages=ask("Hello"))
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="primary/mock", messages=ask("Hello"))


def test_a_key_for_everything_calls_a_model_directly(gateway: Gateway) -> None:
    answer = gateway.client(GATEWAY_ONLY_KEY).chat.completions.create(model="primary/mock", messages=ask("Directly"))
    assert answer.choices[0].message.content == "Mock answer to: Directly"


@pytest.mark.parametrize("messages", ["Hello", {"role": "user", "content": "no list"}, [{"content": "no role"}], ["no object"], None])
def test_messages_that_are_none(client: openai.OpenAI, messages: object) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        client.chat.completions.create(model=ROUTE, messages=messages)
    assert error.value.code
    assert "messages" in (error.value.param or error.value.message)


def test_a_body_that_is_no_json_is_told_where(gateway: Gateway) -> None:
    answer = httpx.post(f"{gateway.url}/v1/chat/completions", headers={"authorization": f"Bearer {APP_KEY}"}, content='{"model": "support-bot",\n nope')
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert {"message", "type", "param", "code"} <= error.keys()
    assert "line 2" in error["message"]


def test_a_body_too_large(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as error:
        client.chat.completions.create(model=ROUTE, messages=ask("x" * (MAX_BODY + 1)))
    assert error.value.status_code == 413
    assert str(MAX_BODY) in error.value.message


def test_the_providers_verdict_comes_through(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        client.chat.completions.create(model=ROUTE, messages=ask("Refuse"))
    assert error.value.code == "mock_refused"


def test_the_providers_trouble_is_ours(client: openai.OpenAI, gateway: Gateway) -> None:
    with pytest.raises(openai.InternalServerError) as error:
        client.chat.completions.create(model=ROUTE, messages=ask("Fail"))
    assert error.value.status_code in (502, 503)
    logged = gateway.logged(error.value.request_id)
    assert logged["outcome"] == "error"
    assert logged["attempts"][0]["status"] == 500


def test_headers(client: openai.OpenAI) -> None:
    mine = str(uuid.uuid4())
    raw = client.chat.completions.with_raw_response.create(model=ROUTE, messages=ask("Headers"), extra_headers={"x-request-id": mine})
    names = ["route", "variant", "provider", "model", "prompt", "attempts", "cache"]
    values = [raw.headers.get(f"x-hypercare-{name}") for name in names]
    assert values == [ROUTE, "control", "primary", "mock", "support@1", "1", "off"]
    assert raw.headers["x-request-id"] == mine
    assert int(raw.headers["x-hypercare-overhead-us"]) >= 0
    assert raw.headers["x-hypercare-feedback-token"]
    unsafe = client.chat.completions.with_raw_response.create(model=ROUTE, messages=ask("Headers"), extra_headers={"x-request-id": "<script>"})
    assert unsafe.headers["x-request-id"] not in ("<script>", mine)


def test_user_session_and_metadata_from_the_body(client: openai.OpenAI, gateway: Gateway) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model=ROUTE, messages=ask("Metadata"), user="user-42", metadata={"session_id": "session-7", "plan": "gold"}
    )
    logged = gateway.logged(raw.headers["x-request-id"])
    assert (logged["user_id"], logged["session_id"]) == ("user-42", "session-7")
    assert logged["metadata"] == {"plan": "gold"}
    assert gateway.read("requests", session="session-7")["items"][0]["id"] == logged["id"]


def test_headers_win_over_the_body(client: openai.OpenAI, gateway: Gateway) -> None:
    headers = {"x-hypercare-user": "header-user", "x-hypercare-session": "header-session", "x-hypercare-metadata": '{"plan": "silver"}'}
    raw = client.chat.completions.with_raw_response.create(
        model=ROUTE, messages=ask("Metadata"), user="body-user", metadata={"session_id": "body-session"}, extra_headers=headers
    )
    logged = gateway.logged(raw.headers["x-request-id"])
    assert (logged["user_id"], logged["session_id"], logged["metadata"]) == ("header-user", "header-session", {"plan": "silver"})


def test_feedback_by_token(client: openai.OpenAI, gateway: Gateway) -> None:
    raw = client.chat.completions.with_raw_response.create(model=ROUTE, messages=ask("Rate me"))
    token = raw.headers["x-hypercare-feedback-token"]
    url = f"{gateway.url}/v1/feedback"
    first = httpx.post(url, json={"token": token, "rating": "down", "categories": ["inaccurate"], "comment": "Not true."})
    assert first.status_code == 201, first.text
    assert first.json()["request_id"] == raw.headers["x-request-id"]
    again = httpx.post(url, json={"token": token, "rating": "up"})
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"]), "the same person changes their mind"
    stored = gateway.feedback_tied(first.json()["id"])
    assert (stored["rating"], stored["variant"], stored["prompt"]) == ("up", "control", "support@1")
    assert [f["id"] for f in gateway.read("feedback")["items"]].count(stored["id"]) == 1
    status = httpx.get(f"{url}/{first.json()['id']}", params={"token": token})
    assert status.status_code == 200
    broken = httpx.post(url, json={"token": token[:-2] + "xx", "rating": "up"})
    assert broken.status_code == 401


def test_feedback_by_key(client: openai.OpenAI, gateway: Gateway) -> None:
    raw = client.chat.completions.with_raw_response.create(model=ROUTE, messages=ask("Rate me by key"))
    url = f"{gateway.url}/v1/feedback"
    said = {"request_id": raw.headers["x-request-id"], "stars": 2, "user": "user-42", "idempotency_key": "once"}
    headers = {"authorization": f"Bearer {FEEDBACK_ONLY_KEY}"}
    first = httpx.post(url, json=said, headers=headers)
    assert first.status_code == 201, first.text
    assert httpx.post(url, json=said | {"stars": 1}, headers=headers).status_code == 200
    assert httpx.post(url, json=said, headers={"authorization": f"Bearer {GATEWAY_ONLY_KEY}"}).status_code == 403
    assert httpx.post(url, json=said).status_code == 401
    gateway.logged(raw.headers["x-request-id"])
    items = [f for f in gateway.read("feedback")["items"] if f["id"] == first.json()["id"]]
    assert [(f["stars"], f["user"], f["channel"]) for f in items] == [(1, "user-42", "api")]
    wrong = httpx.post(url, json=said | {"stars": 9}, headers=headers)
    assert wrong.status_code == 422
    assert "stars" in wrong.json()["error"]["fields"]


@pytest.mark.parametrize("by", ["token", "key"])
def test_feedback_faster_than_the_log(client: openai.OpenAI, gateway: Gateway, by: str) -> None:
    mine = f"mine-{uuid.uuid4()}"
    raw = client.chat.completions.with_raw_response.create(model=ROUTE, messages=ask("Quick"), extra_headers={"x-request-id": mine})
    said = {"rating": "up"} | ({"token": raw.headers["x-hypercare-feedback-token"]} if by == "token" else {"request_id": mine})
    headers = {} if by == "token" else {"authorization": f"Bearer {APP_KEY}"}
    first = httpx.post(f"{gateway.url}/v1/feedback", json=said, headers=headers)
    assert first.status_code == 201, first.text
    logged = gateway.logged(mine)
    found = gateway.feedback_tied(first.json()["id"])
    assert (found["request"], found["variant"]) == (logged["id"], "control")
    assert found["request_id"] == mine
    assert first.json()["request_id"] == mine, "the id the application knows"


def test_hanging_up_in_the_middle_of_a_stream(client: openai.OpenAI, gateway: Gateway) -> None:
    raw = client.chat.completions.with_raw_response.create(model=ROUTE, messages=ask("Talk for ever"), stream=True)
    stream = raw.parse()
    words = 0
    for chunk in stream:
        words += bool(chunk.choices[0].delta.content)
        if words == 3:
            break
    stream.response.close()
    assert Provider.hung_up.wait(5), "the provider is told to stop as well"
    logged = gateway.logged(raw.headers["x-request-id"])
    assert logged["outcome"] == "client_closed"
    assert logged["response_text"].startswith("and and and ")


def test_the_key_of_an_app_reads_nothing(gateway: Gateway) -> None:
    for path in ("requests", "feedback", "routes", "keys", "audit"):
        assert httpx.get(f"{gateway.url}/api/v1/{path}", headers={"authorization": f"Bearer {APP_KEY}"}).status_code == 403, path
