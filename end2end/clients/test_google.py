"""Google's official client with its base URL set, in front of providers of every dialect."""

import pytest
from conftest import APP_KEY, Gateway, Provider
from google import genai
from google.genai import errors, types

from test_dialects import GEMINI, OPENAI, SAYS, every


def client(gateway: Gateway, key: str = APP_KEY) -> genai.Client:
    """It closes when it is let go: keep it for as long as it is used."""
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=gateway.url))


@every
def test_an_answer(gateway: Gateway, route: str) -> None:
    google = client(gateway)
    answer = google.models.generate_content(
        model=route, contents="Bright?", config=types.GenerateContentConfig(system_instruction="Be brief.", max_output_tokens=64)
    )
    assert answer.text == SAYS[route].format("Bright?")
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP
    assert answer.usage_metadata.prompt_token_count > 0
    sent = str(Provider.bodies[-1])
    assert "You help customers of the lamp shop." in sent and "Be brief." in sent


@every
def test_a_stream(gateway: Gateway, route: str) -> None:
    google = client(gateway)
    chunks = list(google.models.generate_content_stream(model=route, contents="Stream"))
    assert "".join(chunk.text or "" for chunk in chunks).strip() == SAYS[route].format("Stream")
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP


@every
def test_tokens_are_counted(gateway: Gateway, route: str) -> None:
    google = client(gateway)
    assert 0 < google.models.count_tokens(model=route, contents="How bright is it?").total_tokens < 100


def test_errors_are_the_clients_own(gateway: Gateway) -> None:
    stranger, google = client(gateway, "nobody"), client(gateway)
    with pytest.raises(errors.ClientError) as refused:
        stranger.models.generate_content(model=OPENAI, contents="?")
    assert refused.value.code == 401
    with pytest.raises(errors.ClientError) as unknown:
        google.models.generate_content(model="nobody-bot", contents="?")
    assert unknown.value.code == 404
    assert [model.name for model in google.models.list()] == ["models/claude-bot", f"models/{GEMINI}", f"models/{OPENAI}"]
