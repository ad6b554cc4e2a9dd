"""Embeddings in OpenAI's format, by feature hashing: deterministic, and texts that share words are near each other."""

import base64
import hashlib
import math
import re
import struct

from errors import Body, invalid
from models import model_for
from tokens import count_tokens

DEFAULT_DIMENSIONS = 256


def embed(body: Body) -> dict[str, object]:
    """The answer of `POST /v1/embeddings`."""
    model = model_for("embedding", body.get("model"))
    texts = read_input(body.get("input"))
    dimensions = read_dimensions(body.get("dimensions"))
    encoding = body.get("encoding_format") or "float"
    if encoding not in ("float", "base64"):
        raise invalid("encoding_format", "float or base64")
    data = []
    for index, text in enumerate(texts):
        vector = embed_text(text, dimensions)
        embedding = to_base64(vector) if encoding == "base64" else vector
        data.append({"object": "embedding", "index": index, "embedding": embedding})
    tokens = sum(count_tokens(text) for text in texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def embed_text(text: str, dimensions: int) -> list[float]:
    """A vector of length 1: every word and every pair of neighbours adds 1 or -1 at a place that its hash picks."""
    vector = [0.0] * dimensions
    for feature in features(text):
        digest = hashlib.blake2b(feature.encode(), digest_size=8).digest()
        number = int.from_bytes(digest, "little")
        vector[(number >> 1) % dimensions] += 1 if number & 1 else -1
    length = math.hypot(*vector) or 1
    return [value / length for value in vector]


def features(text: str) -> list[str]:
    words = re.findall(r"\w+", text.lower()) or [text]
    return words + [f"{one} {other}" for one, other in zip(words, words[1:])]


def to_base64(vector: list[float]) -> str:
    """Little-endian 32-bit floats, as OpenAI clients decode them."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def read_input(value: object) -> list[str]:
    """A text, a list of texts, or texts as lists of token numbers."""
    items = value if isinstance(value, list) and not is_tokens(value) else [value]
    texts = [" ".join(map(str, item)) if is_tokens(item) else item for item in items]
    if texts and all(isinstance(text, str) and text for text in texts):
        return texts
    raise invalid("input", "a text or a list of texts, none of them empty")


def is_tokens(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(type(item) is int for item in value)


def read_dimensions(value: object) -> int:
    if value is None:
        return DEFAULT_DIMENSIONS
    if type(value) is int and 1 <= value <= 4096:
        return value
    raise invalid("dimensions", "a whole number from 1 to 4096")
