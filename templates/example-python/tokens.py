"""A stand-in for a tokenizer: a token is a word with the blanks before it."""

import re


def tokenize(text: str) -> list[str]:
    """Splits a text so that its tokens, joined, are the text again."""
    return re.findall(r"\s*\S+|\s+$", text)


def count_tokens(text: str) -> int:
    return len(tokenize(text))
