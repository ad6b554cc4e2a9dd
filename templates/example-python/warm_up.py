"""Whether the service can work yet. Put your own loading into `run`; `/readyz` tells the world what it says here."""

import asyncio

STEPS = 20


class WarmUp:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._progress = 0.0
        self._stopping = False

    async def run(self) -> None:
        """Loads what the service needs before it can work. Load with `asyncio.to_thread`, so that `/readyz` answers meanwhile."""
        for step in range(1, STEPS + 1):
            if self._seconds > 0:
                await asyncio.sleep(self._seconds / STEPS)
            self._progress = step / STEPS

    def drain(self) -> None:
        """From now on the service is not ready, because it is about to end."""
        self._stopping = True

    @property
    def ready(self) -> bool:
        return self._progress >= 1 and not self._stopping

    def readiness(self) -> dict[str, object]:
        """The answer of `GET /readyz`: while it changes, Nexus waits patiently."""
        checks = {"backend": "ok", "model_loaded": self._progress >= 1}
        if self.ready:
            return {"ready": True, "status": "ready", "checks": checks}
        if self._stopping:
            return {"ready": False, "status": "stopping", "checks": checks}
        loading = {"stage": "loading the model", "progress": self._progress}
        return {"ready": False, "status": "loading", **loading, "checks": checks}
