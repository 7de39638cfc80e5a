"""A receiver on a thread, for tests that wait and do not await."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.webhooks.receivers import Received

SECONDS_MAX = 15.0


@dataclass
class BlockingReceiver:
    port: int = 0
    status: int = 200
    received: list[Received] = field(default_factory=list)
    came: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/hook"

    def until(self, wanted: Callable[[Received], bool]) -> Received:
        """The first of them."""
        with self.came:
            assert self.came.wait_for(lambda: any(map(wanted, self.received)), SECONDS_MAX), "nothing of the kind came"
            return next(filter(wanted, self.received))


@contextmanager
def receiving() -> Iterator[BlockingReceiver]:
    receiver = BlockingReceiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with receiver.came:
                receiver.received.append(Received(self.path, headers, body, 0.0))
                receiver.came.notify_all()
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing to say."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
