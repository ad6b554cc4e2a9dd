"""Reads a chat request and checks what this service makes use of; other fields are allowed and ignored."""

from dataclasses import dataclass

from errors import Body, invalid
from models import model_for


@dataclass(frozen=True)
class ChatRequest:
    model: str
    # The text of every message, in order.
    prompt: list[str]
    # What the user said last.
    last_user_text: str
    stream: bool
    include_usage: bool
    stop: list[str]
    # None for no limit.
    max_tokens: int | None


def read_chat_request(body: Body) -> ChatRequest:
    """Raises an ApiError that names the field at fault."""
    if body.get("n") not in (None, 1):
        raise invalid("n", "1: this service gives one answer")
    messages = read_messages(body.get("messages"))
    by_user = [text for role, text in messages if role == "user"]
    options = body.get("stream_options")
    options = options if isinstance(options, dict) else {}
    return ChatRequest(
        model=model_for("chat", body.get("model")),
        prompt=[text for _, text in messages],
        last_user_text=by_user[-1] if by_user else messages[-1][1],
        stream=read_flag(body, "stream", "stream"),
        include_usage=read_flag(options, "include_usage", "stream_options.include_usage"),
        stop=read_stop(body.get("stop")),
        max_tokens=read_limit(body),
    )


def read_flag(body: Body, key: str, param: str) -> bool:
    value = body.get(key)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise invalid(param, "true or false")


def read_messages(messages: object) -> list[tuple[str, str]]:
    if not isinstance(messages, list) or not messages:
        raise invalid("messages", "a list with at least one message")
    return [read_message(message, f"messages[{at}]") for at, message in enumerate(messages)]


def read_message(message: object, param: str) -> tuple[str, str]:
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise invalid(param, "a message with a role")
    return message["role"], read_content(message.get("content"), f"{param}.content")


def read_content(content: object, param: str) -> str:
    """Content is a text, or a list of parts as multimodal clients send it."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise invalid(param, "a string or a list of parts")
    return "\n".join(read_part(part, f"{param}[{at}]") for at, part in enumerate(content))


def read_part(part: object, param: str) -> str:
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        raise invalid(param, "a part with a type")
    if part["type"] != "text":
        return f"[{part['type']}]"
    if not isinstance(part.get("text"), str):
        raise invalid(f"{param}.text", "a string")
    return part["text"]


def read_stop(stop: object) -> list[str]:
    texts = [] if stop is None else stop if isinstance(stop, list) else [stop]
    if len(texts) <= 4 and all(isinstance(text, str) and text for text in texts):
        return texts
    raise invalid("stop", "a string or a list of up to 4 strings")


def read_limit(body: Body) -> int | None:
    newer = body.get("max_completion_tokens") is not None
    param = "max_completion_tokens" if newer else "max_tokens"
    limit = body.get(param)
    if limit is None or (type(limit) is int and limit > 0):
        return limit
    raise invalid(param, "a whole number above 0")
