"""Chat in OpenAI's format. The model echoes what the user said: put yours into `generate`."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator

from fastapi import Response
from fastapi.responses import JSONResponse, StreamingResponse

from chat_request import ChatRequest, read_chat_request
from errors import Body
from tokens import count_tokens, tokenize

Usage = dict[str, int]


def complete_chat(body: Body, token_delay: float) -> Response:
    """Answers `POST /v1/chat/completions`, in one piece or as a stream of events."""
    request = read_chat_request(body)
    tokens, finish_reason = generate(request)
    usage = usage_of(request, tokens)
    if request.stream:
        events = stream(request, tokens, finish_reason, usage, token_delay)
        headers = {"Cache-Control": "no-cache"}
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)
    message = {"role": "assistant", "content": "".join(tokens), "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}
    head = envelope("chat.completion", request.model)
    return JSONResponse({**head, "choices": [choice], "usage": usage})


def generate(request: ChatRequest) -> tuple[list[str], str]:
    """The model: says again what the user said last."""
    text = request.last_user_text
    ends = [text.find(stop) for stop in request.stop if stop in text]
    tokens = tokenize(text[: min(ends, default=len(text))])
    if request.max_tokens is not None and len(tokens) > request.max_tokens:
        return tokens[: request.max_tokens], "length"
    return tokens, "stop"


def usage_of(request: ChatRequest, tokens: list[str]) -> Usage:
    prompt = sum(count_tokens(text) for text in request.prompt)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": len(tokens),
        "total_tokens": prompt + len(tokens),
    }


def envelope(kind: str, model: str) -> dict[str, object]:
    return {
        "id": f"chatcmpl-{uuid.uuid4()}",
        "object": kind,
        "created": int(time.time()),
        "model": model,
    }


async def stream(
    request: ChatRequest, tokens: list[str], finish_reason: str, usage: Usage, token_delay: float
) -> AsyncIterator[str]:
    """Gives each token as it is made; the server ends this when the client leaves."""
    head = envelope("chat.completion.chunk", request.model)
    extra = {"usage": None} if request.include_usage else {}

    def chunk(delta: dict[str, str], reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return event({**head, "choices": [choice], **extra})

    yield chunk({"role": "assistant", "content": ""})
    for token in tokens:
        await asyncio.sleep(token_delay)
        yield chunk({"content": token})
    yield chunk({}, finish_reason)
    if request.include_usage:
        yield event({**head, "choices": [], "usage": usage})
    yield "data: [DONE]\n\n"


def event(document: dict[str, object]) -> str:
    return f"data: {json.dumps(document)}\n\n"
