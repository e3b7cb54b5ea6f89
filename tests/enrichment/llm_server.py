"""An OpenAI-compatible server on loopback that counts the calls about each report, and misbehaves when told to."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PLACE = "REPORT: "
PROMPT = f"Which features? {PLACE}{{report}}"
FEATURES = ["prolonged PR interval", "inverted T waves in leads V5 and V6"]


class LanguageModelServer:
    """Serves chat completions at `base_url` while its `with` block runs.

    Args:
        behave: report -> what to send: a text (the completion), a number (a status), a dictionary (status, headers and
            body), "hang" or "trickle".
        seconds: that each answer takes.
    """

    def __init__(self, behave: Callable[[str], object] = lambda report: json.dumps(FEATURES), seconds: float = 0.0):
        self.behave, self.seconds = behave, seconds
        self.calls: Counter[str] = Counter()
        self.keys: set[str | None] = set()
        self.at_once = self.most_at_once = 0
        self.closing = threading.Event()
        self.lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"owner": self})
        self.server = type("Server", (ThreadingHTTPServer,), {"daemon_threads": True, "request_queue_size": 256})(
            ("127.0.0.1", 0), handler
        )
        self.base_url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def __enter__(self) -> "LanguageModelServer":
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    owner: LanguageModelServer

    def do_POST(self) -> None:
        owner = self.owner
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        report = body["messages"][-1]["content"].partition(PLACE)[2]
        with owner.lock:
            owner.calls[report] += 1
            owner.keys.add(self.headers["Authorization"])
            owner.at_once += 1
            owner.most_at_once = max(owner.most_at_once, owner.at_once)
        try:
            self._respond(owner.behave(report))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with owner.lock:
                owner.at_once -= 1

    def _respond(self, what) -> None:
        if what == "hang":
            self.owner.closing.wait(30)
        elif what == "trickle":
            self.send_response(200)
            self.send_header("Content-Length", "10000")
            self.end_headers()
            while not self.owner.closing.wait(0.05):
                self.wfile.write(b" ")
                self.wfile.flush()
        else:
            time.sleep(self.owner.seconds)
            if isinstance(what, int):
                what = {"status": what, "body": "the server is not well"}
            if isinstance(what, str):
                choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": what}}
                usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
                content = {"id": "1", "created": 0, "model": "tiny", "choices": [choice], "usage": usage}
                what = {"status": 200, "body": json.dumps(content)}
            self._send(**what)
            return
        self.close_connection = True

    def _send(self, status: int, body: str | bytes = "", headers: dict | None = None) -> None:
        payload = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in {"Content-Length": str(len(payload)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_) -> None:
        pass
