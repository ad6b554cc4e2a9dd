"""The models this service offers."""

from errors import ApiError

# What each model is for.
PURPOSES = {"echo-1": "chat", "hash-embedding-1": "embedding"}


def list_models() -> dict[str, object]:
    """The answer of `GET /v1/models`."""
    return {"object": "list", "data": [describe(model) for model in PURPOSES]}


def find_model(model: str) -> dict[str, object]:
    """The answer of `GET /v1/models/{id}`."""
    if model not in PURPOSES:
        raise unknown(model)
    return describe(model)


def model_for(purpose: str, wanted: object) -> str:
    """Checks the `model` of a request: it must exist and do this kind of work."""
    if not isinstance(wanted, str):
        raise ApiError(400, "`model` is missing.", "model")
    if wanted not in PURPOSES:
        raise unknown(wanted)
    if PURPOSES[wanted] != purpose:
        raise ApiError(400, f"The model {wanted} is not for {purpose}.", "model")
    return wanted


def unknown(model: str) -> ApiError:
    return ApiError(404, f"The model {model} does not exist.", "model", "model_not_found")


def describe(model: str) -> dict[str, object]:
    return {
        "id": model,
        "object": "model",
        "created": 1_750_000_000,
        "owned_by": "example",
        "capabilities": [PURPOSES[model]],
    }
