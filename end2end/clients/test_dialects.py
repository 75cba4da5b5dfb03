"""Official clients of two vendors, each in front of providers of both: OpenAI chat, OpenAI Responses and Anthropic Messages, whole and streamed."""

import json

import anthropic
import openai
import pytest
from conftest import Gateway, Provider

OPENAI, CLAUDE, GEMINI = "support-bot", "claude-bot", "gemini-bot"
SAYS = {OPENAI: "Mock answer to: {}", CLAUDE: "Claude says: {}", GEMINI: "Gemini says: {}"}
# Output of each provider; Gemini's includes three tokens of thought.
OUTPUT = {OPENAI: 9, CLAUDE: 7, GEMINI: 8}
TOOLS = [{"type": "function", "function": {"name": "track", "description": "Where a parcel is", "parameters": {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]}}}]
every = pytest.mark.parametrize("route", [OPENAI, CLAUDE, GEMINI])


def sent(question: str) -> dict:
    """The body the provider got for that question."""
    return next(body for body in reversed(Provider.bodies) if question in str(body.get("messages", body.get("contents"))[-1]))


@every
def test_anthropic_messages(gateway: Gateway, route: str) -> None:
    raw = gateway.anthropic().messages.with_raw_response.create(
        model=route, max_tokens=64, system="Be brief.", messages=[{"role": "user", "content": "Bright?"}], metadata={"user_id": "ann"}
    )
    message = raw.parse()
    assert message.content[0].text == SAYS[route].format("Bright?")
    assert (message.type, message.role, message.stop_reason) == ("message", "assistant", "end_turn")
    logged = gateway.logged(raw.headers["x-request-id"])
    assert (logged["endpoint"], logged["user_id"], logged["response_text"]) == ("messages", "ann", SAYS[route].format("Bright?"))
    body = sent("Bright?")
    if route == CLAUDE:
        # The same dialect at both ends: the answer passes as it is, cache counts included. The prompt stands before the caller's own system text.
        assert (message.usage.input_tokens, message.usage.cache_read_input_tokens, message.usage.cache_creation_input_tokens) == (12, 30, 8)
        assert [block["text"] for block in body["system"]] == ["You help customers of the lamp shop.", "Be brief."]
        assert body["max_tokens"] == 64
        # 12 × 3 + 30 × 0.3 + 8 × 3.75 + 7 × 15 millionths of a dollar.
        assert (logged["input_tokens"], logged["output_tokens"], logged["cost"]) == (50, 7, 180_000)
    elif route == GEMINI:
        # Anthropic's input is without what the cache gave: 10 - 4.
        assert (message.usage.input_tokens, message.usage.cache_read_input_tokens, message.usage.output_tokens) == (6, 4, 8)
        assert [part["text"] for part in body["systemInstruction"]["parts"]] == ["You help customers of the lamp shop.", "Be brief."]
        assert body["generationConfig"]["maxOutputTokens"] == 64
    else:
        assert (message.usage.input_tokens, message.usage.output_tokens) == (20, 9)
        assert [m["role"] for m in body["messages"]] == ["system", "user"]
        assert "You help customers of the lamp shop." in str(body["messages"][0]) and "Be brief." in str(body["messages"][0])
        assert body["max_tokens"] == 64


@every
def test_anthropic_stream(gateway: Gateway, route: str) -> None:
    with gateway.anthropic().messages.stream(model=route, max_tokens=64, messages=[{"role": "user", "content": "Stream"}]) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text.strip() == SAYS[route].format("Stream")
    assert final.stop_reason == "end_turn"
    assert final.usage.output_tokens == OUTPUT[route]


def test_openai_chat_on_claude(client: openai.OpenAI, gateway: Gateway) -> None:
    raw = client.chat.completions.with_raw_response.create(model=CLAUDE, messages=[{"role": "user", "content": "Dim?"}])
    answer = raw.parse()
    assert answer.choices[0].message.content == SAYS[CLAUDE].format("Dim?")
    assert answer.choices[0].finish_reason == "stop"
    # OpenAI's input includes what the cache read and wrote, Anthropic's does not: 12 + 30 + 8.
    assert (answer.usage.prompt_tokens, answer.usage.prompt_tokens_details.cached_tokens, answer.usage.completion_tokens) == (50, 30, 7)
    body = sent("Dim?")
    assert body["max_tokens"] == 512, "from the catalogue: the caller named none, and the provider needs one"
    logged = gateway.logged(raw.headers["x-request-id"])
    assert (logged["provider"], logged["input_tokens"], logged["cost"]) == ("claude", 50, 180_000)
    assert '"system"' in logged["upstream_body"], "shown as the provider got it"


def test_openai_stream_on_claude(client: openai.OpenAI, gateway: Gateway) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model=CLAUDE, messages=[{"role": "user", "content": "Stream on"}], stream=True, stream_options={"include_usage": True}
    )
    chunks = list(raw.parse())
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices).strip() == SAYS[CLAUDE].format("Stream on")
    assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == ["stop"]
    assert chunks[-1].choices == [] and chunks[-1].usage.prompt_tokens == 50
    logged = gateway.logged(raw.headers["x-request-id"])
    assert (logged["outcome"], logged["input_tokens"], logged["output_tokens"]) == ("ok", 50, 7)


@pytest.mark.parametrize("streamed", [False, True])
def test_openai_chat_on_gemini(client: openai.OpenAI, gateway: Gateway, streamed: bool) -> None:
    question = f"Cold, streamed {streamed}?"
    raw = client.chat.completions.with_raw_response.create(model=GEMINI, messages=[{"role": "user", "content": question}], stream=streamed)
    if streamed:
        text = "".join(c.choices[0].delta.content or "" for c in raw.parse() if c.choices)
    else:
        text = raw.parse().choices[0].message.content
    assert text.strip() == SAYS[GEMINI].format(question)
    logged = gateway.logged(raw.headers["x-request-id"])
    assert (logged["input_tokens"], logged["cached_input_tokens"], logged["output_tokens"], logged["reasoning_tokens"]) == (10, 4, 8, 3)
    assert (logged["outcome"], logged["finish_reason"]) == ("ok", "stop")


@pytest.mark.parametrize("streamed", [False, True])
def test_openai_tools_on_gemini(client: openai.OpenAI, streamed: bool) -> None:
    messages = [{"role": "user", "content": "Track 4711"}]
    if streamed:
        chunks = [c for c in client.chat.completions.create(model=GEMINI, messages=messages, tools=TOOLS, stream=True) if c.choices]
        calls = [call.function for c in chunks for call in c.choices[0].delta.tool_calls or []]
        name, arguments, reason = calls[0].name, "".join(call.arguments or "" for call in calls), chunks[-1].choices[0].finish_reason
    else:
        choice = client.chat.completions.create(model=GEMINI, messages=messages, tools=TOOLS).choices[0]
        call = choice.message.tool_calls[0].function
        name, arguments, reason = call.name, call.arguments, choice.finish_reason
    assert (name, json.loads(arguments), reason) == ("track", {"order": "4711"}, "tool_calls")


@pytest.mark.parametrize("streamed", [False, True])
def test_openai_tools_on_claude(client: openai.OpenAI, streamed: bool) -> None:
    question = f"Track 4711, streamed {streamed}"
    messages = [{"role": "user", "content": question}]
    if streamed:
        chunks = [c for c in client.chat.completions.create(model=CLAUDE, messages=messages, tools=TOOLS, stream=True) if c.choices]
        calls = [call for c in chunks for call in c.choices[0].delta.tool_calls or []]
        assert (calls[0].id, calls[0].function.name) == ("toolu_1", "track")
        assert "".join(call.function.arguments or "" for call in calls) == '{"order": "4711"}'
        assert chunks[-1].choices[0].finish_reason == "tool_calls"
    else:
        choice = client.chat.completions.create(model=CLAUDE, messages=messages, tools=TOOLS).choices[0]
        assert choice.finish_reason == "tool_calls"
        assert (choice.message.tool_calls[0].id, choice.message.tool_calls[0].function.name) == ("toolu_1", "track")
    assert sent(question)["tools"][0]["input_schema"]["required"] == ["order"]


@every
def test_responses(client: openai.OpenAI, gateway: Gateway, route: str) -> None:
    raw = client.responses.with_raw_response.create(model=route, input="Warm?", instructions="Be kind.", max_output_tokens=99)
    answer = raw.parse()
    assert answer.output_text == SAYS[route].format("Warm?")
    assert (answer.status, answer.object) == ("completed", "response")
    assert answer.usage.output_tokens == OUTPUT[route]
    body = sent("Warm?")
    assert body.get("max_tokens", body.get("generationConfig", {}).get("maxOutputTokens")) == 99
    logged = gateway.logged(raw.headers["x-request-id"])
    assert (logged["endpoint"], logged["response_text"]) == ("responses", SAYS[route].format("Warm?"))


@every
def test_responses_stream(client: openai.OpenAI, route: str) -> None:
    events = list(client.responses.create(model=route, input="Warm stream?", stream=True))
    kinds = [event.type for event in events]
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text.strip() == SAYS[route].format("Warm stream?")
    assert events[-1].response.output_text.strip() == text.strip()


def test_what_a_provider_cannot_do_is_refused_by_name(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        client.chat.completions.create(model=CLAUDE, messages=[{"role": "user", "content": "?"}], logprobs=True)
    assert (error.value.code, error.value.param) == ("unsupported_parameter", "logprobs")
    with pytest.raises(openai.BadRequestError) as error:
        client.responses.create(model=CLAUDE, input="?", conversation="conv_1")
    assert (error.value.code, error.value.param) == ("unsupported_parameter", "conversation")
    with pytest.raises(openai.NotFoundError) as error:
        client.responses.create(model=CLAUDE, input="?", previous_response_id="resp_1")
    assert (error.value.code, error.value.param) == ("previous_response_not_found", "previous_response_id")


def test_errors_come_in_the_callers_dialect(client: openai.OpenAI, gateway: Gateway) -> None:
    def ask(key_client: anthropic.Anthropic, model: str, question: str = "?") -> None:
        key_client.messages.create(model=model, max_tokens=8, messages=[{"role": "user", "content": question}])

    with pytest.raises(anthropic.NotFoundError) as missing:
        ask(gateway.anthropic(), "no-such-route")
    assert missing.value.body["error"]["type"] == "not_found_error"
    with pytest.raises(anthropic.AuthenticationError):
        ask(gateway.anthropic("wrong-key-0123456789-0123456789"), CLAUDE)
    with pytest.raises(anthropic.BadRequestError) as refused:
        ask(gateway.anthropic(), OPENAI, "Refuse")
    assert refused.value.body["error"] == {"type": "invalid_request_error", "message": "I do not like this."}
    with pytest.raises(openai.InternalServerError) as busy:
        client.chat.completions.create(model=CLAUDE, messages=[{"role": "user", "content": "Overload"}])
    assert busy.value.code == "provider_error"
    assert "Overloaded" in str(busy.value)
