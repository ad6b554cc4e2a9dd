"""What the service says about itself (docs/SERVICE_API.md): change this when you change what it does."""

from process import MODES
from settings import Settings

# The form for `/v1/example/process`: each key is a field of the request.
FORM = [
    {
        "key": "mode",
        "label": "Mode",
        "type": "enum",
        "values": list(MODES),
        "default": "echo",
        "description": "What to do with the text.",
    },
    {
        "key": "repeat",
        "label": "Repeat",
        "type": "integer",
        "default": 1,
        "min": 1,
        "max": 10,
        "description": "How many times the result is repeated.",
    },
]

# JSON Schema of the request; `nexus verify` asks as it says.
PROCESS_SCHEMA = {
    "type": "object",
    "required": ["text"],
    "properties": {
        "text": {"type": "string"},
        "mode": {"type": "string", "enum": list(MODES), "default": "echo"},
        "repeat": {"type": "integer", "minimum": 1, "maximum": 10, "default": 1},
    },
}


def describe_service(settings: Settings) -> dict[str, object]:
    """The answer of `GET /v1/metadata`, schema v1."""
    process = endpoint("POST", "/v1/example/process", "processText", "Processes a text")
    return {
        "schema_version": "v1",
        "service": {
            "name": settings.name,
            "version": settings.version,
            "description": "Echoes chats and embeds texts; made to be changed.",
        },
        "backend": {"name": "echo", "vendor": "nexus"},
        "endpoints": [
            endpoint("POST", "/v1/chat/completions", "createChatCompletion", "Echoes a message"),
            endpoint("POST", "/v1/embeddings", "createEmbedding", "Embeds by feature hashing"),
            endpoint("GET", "/v1/models", "listModels", "Lists the models"),
            {**process, "request_schema": PROCESS_SCHEMA},
        ],
        "capabilities": {
            "domains": ["chat", "embedding", "tool"],
            "modalities": ["text"],
            "streaming": True,
            "max_concurrency": 32,
        },
        "ui": {"options": FORM},
        "resources": {"cpu": "1", "memory": "256Mi", "gpu": "none"},
    }


def describe_ui(settings: Settings) -> dict[str, object]:
    """The answer of `GET /v1/descriptor`: the metadata, and what a user interface needs beside it."""
    return {
        **describe_service(settings),
        "response_types": {"default": "application/json", "streaming": "text/event-stream"},
        "ui_navigation": {"placement": "sidebar", "group": "Tools"},
    }


def endpoint(method: str, path: str, operation_id: str, summary: str) -> dict[str, object]:
    return {"path": path, "method": method, "operation_id": operation_id, "summary": summary}
