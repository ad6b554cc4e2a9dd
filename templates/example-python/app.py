"""The service's HTTP interface: which path is answered by what. Start reading here."""

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from chat import complete_chat
from contract import describe_service, describe_ui
from embeddings import embed
from errors import read_json, shape_errors
from models import find_model, list_models
from process import process_text
from settings import Settings
from warm_up import WarmUp


def create_app(settings: Settings, warm_up: WarmUp) -> FastAPI:
    """Builds the application; whoever calls this runs `warm_up`."""
    app = FastAPI(title=settings.name, version=settings.version, redirect_slashes=False)
    shape_errors(app)

    @app.get("/health")
    async def health() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        return JSONResponse(warm_up.readiness(), 200 if warm_up.ready else 503)

    @app.get("/v1/metadata")
    async def metadata() -> JSONResponse:
        return JSONResponse(describe_service(settings))

    @app.get("/v1/descriptor")
    async def descriptor() -> JSONResponse:
        return JSONResponse(describe_ui(settings))

    @app.get("/v1/models")
    async def models() -> JSONResponse:
        return JSONResponse(list_models())

    @app.get("/v1/models/{model:path}")
    async def model(model: str) -> JSONResponse:
        return JSONResponse(find_model(model))

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        return complete_chat(await read_json(request), settings.token_delay)

    @app.post("/v1/embeddings")
    async def embeddings(request: Request) -> JSONResponse:
        return JSONResponse(embed(await read_json(request)))

    @app.post("/v1/example/process")
    async def process(request: Request) -> JSONResponse:
        return JSONResponse(process_text(await read_json(request)))

    return app
