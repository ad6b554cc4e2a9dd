"""What can be set from outside, by `environment:` in nexus.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    name: str
    version: str
    port: int
    # How long it pretends to load a model, in seconds.
    warm_up: float
    # Pause between two tokens of an answer, so that streaming can be seen, in seconds.
    token_delay: float


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Reads the environment; whatever is not set has a default."""
    return Settings(
        name=environment.get("SERVICE_NAME", "example-python"),
        version=environment.get("SERVICE_VERSION", "1.0.0"),
        port=int(environment.get("PORT", "9000")),
        warm_up=float(environment.get("WARM_UP_MS", "0")) / 1000,
        token_delay=float(environment.get("TOKEN_DELAY_MS", "5")) / 1000,
    )
