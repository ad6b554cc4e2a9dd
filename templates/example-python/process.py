"""The example's own endpoint, driven by the form that contract.py describes. Replace it with your work."""

from collections.abc import Callable

from errors import Body, invalid

MODES: dict[str, Callable[[str], str]] = {
    "echo": lambda text: text,
    "upper": str.upper,
    "reverse": lambda text: text[::-1],
    "count": lambda text: f"{len(text.split())} words",
}


def process_text(body: Body) -> dict[str, object]:
    """The answer of `POST /v1/example/process`."""
    text, mode = body.get("text"), body.get("mode", "echo")
    repeat = body.get("repeat", 1)
    if not isinstance(text, str):
        raise invalid("text", "a string")
    if not isinstance(mode, str) or mode not in MODES:
        raise invalid("mode", f"one of {', '.join(MODES)}")
    if type(repeat) is not int or not 1 <= repeat <= 10:
        raise invalid("repeat", "a whole number from 1 to 10")
    return {"mode": mode, "result": "\n".join([MODES[mode](text)] * repeat)}
