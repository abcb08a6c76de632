"""For the tests: a real HTTP server on this machine, which answers as a test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Received(NamedTuple):
    """A request that the server has read. `text` is its head and its body."""

    method: str
    path: str
    text: str


Answer = Callable[[Received], "bytes | None"]


def response(status: int, document: object, **headers: object) -> bytes:
    """An HTTP response with this JSON. Headers: Retry_After=3 is "Retry-After: 3"."""
    body = json.dumps(document).encode()
    fields = {
        "Content_Type": "application/json",  # without it, AWS's runtime client crashes
        "Content_Length": len(body),
        "Connection": "close",
        **headers,
    }
    lines = "".join(f"{name.replace('_', '-')}: {fields[name]}\r\n" for name in fields)
    return f"HTTP/1.1 {status} Said So\r\n{lines}\r\n".encode() + body


class Loopback:
    """A server that sends what `answer` returns. For None, it stays silent until it is closed."""

    def __init__(self, answer: Answer) -> None:
        self.received: list[Received] = []
        self._failures: list[BaseException] = []
        self._closing = threading.Event()
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline()
                if self.raw_requestline and self.parse_request():
                    loopback._take(self, answer)
                self.close_connection = True

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Say nothing: a client may leave at any time. `_take` keeps what matters."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def lines(self) -> list[str]:
        """Each request's method and path."""
        return [f"{request.method} {request.path}" for request in self.received]

    def _take(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        try:
            size = int(handler.headers.get("Content-Length", 0))
            text = f"{handler.headers}\n{handler.rfile.read(size).decode()}"
            received = Received(handler.command, handler.path, text)
            self.received.append(received)
            sent = answer(received)
            if sent is None:
                self._closing.wait(60)
            else:
                handler.wfile.write(sent)
        except ConnectionError:  # the client was faster to leave
            pass
        except BaseException as failure:  # for `close`: an answer that fails must fail its test
            self._failures.append(failure)

    def close(self) -> None:
        """Stop. Raises what an answer has raised."""
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for failure in self._failures:
            raise failure
