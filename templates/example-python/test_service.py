"""Run with `pytest`. Keep this file and let it grow with the service."""

import asyncio
import json

import pytest
from fastapi.testclient import TestClient

from app import create_app
from settings import read_settings
from warm_up import WarmUp

SETTINGS = read_settings({"SERVICE_NAME": "mine", "TOKEN_DELAY_MS": "0"})
HELLO = [{"role": "user", "content": "Hello there"}]


@pytest.fixture
def client() -> TestClient:
    warm_up = WarmUp(0)
    asyncio.run(warm_up.run())
    return TestClient(create_app(SETTINGS, warm_up), raise_server_exceptions=False)


def test_it_is_ready_once_it_has_warmed_up_and_not_before() -> None:
    warm_up = WarmUp(0)
    client = TestClient(create_app(SETTINGS, warm_up))
    assert client.get("/readyz").status_code == 503
    assert client.get("/health").status_code == 200
    asyncio.run(warm_up.run())
    assert client.get("/readyz").json()["ready"] is True
    warm_up.drain()
    assert client.get("/readyz").status_code == 503


def test_it_describes_itself_under_its_own_name(client: TestClient) -> None:
    assert client.get("/v1/metadata").json()["service"]["name"] == "mine"
    assert client.get("/v1/descriptor").json()["ui_navigation"]["group"] == "Tools"


def test_it_answers_chats(client: TestClient) -> None:
    body = {"model": "echo-1", "messages": HELLO, "max_tokens": 1}
    document = client.post("/v1/chat/completions", json=body).json()
    assert document["choices"][0]["message"]["content"] == "Hello"
    assert document["choices"][0]["finish_reason"] == "length"
    assert document["usage"]["total_tokens"] == 3


def test_it_streams_chats_and_ends_with_usage_when_asked(client: TestClient) -> None:
    options = {"stream": True, "stream_options": {"include_usage": True}}
    body = {"model": "echo-1", "messages": HELLO, **options}
    answer = client.post("/v1/chat/completions", json=body)
    events = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks[:-1])
    assert text == "Hello there"
    assert chunks[-1]["usage"]["completion_tokens"] == 2


def test_texts_that_share_words_are_near_each_other(client: TestClient) -> None:
    texts = ["a red cat", "a red dog", "tax law"]
    body = {"model": "hash-embedding-1", "input": texts}
    one, near, far = (
        entry["embedding"] for entry in client.post("/v1/embeddings", json=body).json()["data"]
    )
    product = lambda other: sum(a * b for a, b in zip(one, other))  # noqa: E731
    assert product(near) > product(far)


def test_its_forms_endpoint_does_what_the_form_says(client: TestClient) -> None:
    body = {"text": "abc", "mode": "reverse"}
    assert client.post("/v1/example/process", json=body).json()["result"] == "cba"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "param"),
    [
        ("POST", "/v1/example/process", '{"text": "abc", "mode": "nonsense"}', 400, "mode"),
        ("POST", "/v1/chat/completions", "{", 400, None),
        ("POST", "/v1/chat/completions", '{"model": "gpt", "messages": [{"role": "user"}]}', 404, "model"),
        ("GET", "/v1/models/gpt", "", 404, "model"),
        ("GET", "/v1/chat/completions", "", 405, None),
        ("GET", "/nowhere", "", 404, None),
    ],
)
def test_a_mistake_is_answered_with_an_error_of_one_shape(
    client: TestClient, method: str, path: str, body: str, status: int, param: str | None
) -> None:
    answer = client.request(method, path, content=body)
    assert answer.status_code == status
    assert answer.json()["error"]["param"] == param
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.json()["error"]["message"]
