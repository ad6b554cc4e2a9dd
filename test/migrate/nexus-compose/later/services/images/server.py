"""A small server with the routes of the ancestor's image shim as it came: always ready, and a tiny placeholder for every prompt."""
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PLACEHOLDER = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


class Shim(BaseHTTPRequestHandler):
    def answer(self, said: object) -> None:
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        models = {"object": "list", "data": [{"id": "stub", "object": "model"}]}
        self.answer(models if self.path.startswith("/v1/models") else {"status": "ready"})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.answer({"created": 0, "data": [{"b64_json": PLACEHOLDER}]})


ThreadingHTTPServer(("0.0.0.0", 7860), Shim).serve_forever()
