"""A small server with the routes of the ancestor's speech shim: always ready, one model, a moment of silence."""
import io
import json
import wave
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def silence() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(1600))
    return out.getvalue()


class Shim(BaseHTTPRequestHandler):
    def answer(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        models = {"object": "list", "data": [{"id": "pocket-tts", "object": "model"}]}
        said = models if self.path == "/v1/models" else {"status": "ready", "ok": True}
        self.answer("application/json", json.dumps(said).encode())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.answer("audio/wav", silence())


ThreadingHTTPServer(("0.0.0.0", 9940), Shim).serve_forever()
