"""Errors in the shape that OpenAI clients understand, and JSON bodies that are checked."""

import json
import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

BODY_LIMIT = 16 * 1024 * 1024

# A JSON object from a client: nothing in it is checked yet.
Body = dict[str, Any]


class ApiError(Exception):
    """An answer other than 200, raised from anywhere."""

    def __init__(
        self, status: int, message: str, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code


def invalid(param: str, expected: str) -> ApiError:
    return ApiError(400, f"`{param}` must be {expected}.", param, "invalid_value")


async def read_json(request: Request) -> Body:
    """Reads a request's body as a JSON object."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > BODY_LIMIT:
            raise ApiError(413, "The request is larger than 16 MiB.")
    try:
        body = json.loads(data)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ApiError(400, "The request's body is not a JSON object.")
    return body


def shape_errors(app: FastAPI) -> None:
    """Gives every error one shape, those of the framework too; bugs are told in the log and not to the client."""

    @app.exception_handler(ApiError)
    async def _(request: Request, error: ApiError) -> JSONResponse:
        return answer(error)

    @app.exception_handler(HTTPException)
    async def _(request: Request, error: HTTPException) -> JSONResponse:
        response = answer(explain(request, error.status_code))
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def _(request: Request, error: Exception) -> JSONResponse:
        request_id = request.headers.get("x-request-id", "-")
        logging.getLogger("service").error("request %s failed", request_id, exc_info=error)
        return answer(ApiError(500, "Something went wrong."))


def explain(request: Request, status: int) -> ApiError:
    path = request.url.path
    if status == 404:
        return ApiError(404, f"There is no {path} here.", code="not_found")
    if status == 405:
        return ApiError(405, f"{path} does not take {request.method}.")
    return ApiError(status, f"{path} cannot be answered.")


def answer(error: ApiError) -> JSONResponse:
    kind = "invalid_request_error" if error.status < 500 else "server_error"
    told = {"message": error.message, "type": kind, "param": error.param, "code": error.code}
    return JSONResponse({"error": told}, error.status)
