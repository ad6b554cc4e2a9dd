"""Starts the service and stops it cleanly. Everything it does is in app.py."""

import asyncio
import os
import signal
import sys
from types import FrameType

import uvicorn

from app import create_app
from settings import Settings, read_settings
from warm_up import WarmUp


class Server(uvicorn.Server):
    """Says that it is stopping as soon as it is told to; requests under way are finished."""

    def __init__(self, config: uvicorn.Config, warm_up: WarmUp) -> None:
        super().__init__(config)
        self.warm_up = warm_up

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.warm_up.drain()
        super().handle_exit(sig, frame)


async def serve(settings: Settings) -> None:
    """Answers from the first moment on, and loads meanwhile: `/readyz` tells how far it is."""
    warm_up = WarmUp(settings.warm_up)
    app = create_app(settings, warm_up)
    config = uvicorn.Config(
        app, host="0.0.0.0", port=settings.port, lifespan="off", access_log=False
    )
    loading = asyncio.create_task(warm_up.run())
    await Server(config, warm_up).serve()
    loading.cancel()


if __name__ == "__main__":
    # uvicorn raises the signal again once it has finished: that is how the process ends, and it ends well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    asyncio.run(serve(read_settings(os.environ)))
