"""A small HTTP/1.1 server on the loopback interface: one thread per connection, one function.

Only what AWS clients and Lambda's runtime clients need: keep-alive, Content-Length and chunked
request bodies, `Expect: 100-continue`, HEAD. Replies are written in one piece.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from threading import Lock, Thread
from typing import Any

from icscaler_localcloud.wire import ApiReply

HOST = "127.0.0.1"
_BODYLESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
# What the server says itself, whatever the answer holds.
_OWN_HEADERS = frozenset({"connection", "content-length", "server", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request: `target` is path and query as sent, header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


Answer = Callable[[HttpRequest], ApiReply | None]
"""Called on the connection's thread; None closes the connection without a reply."""


class HttpFront:
    """Listens from construction to `close()`. OSError when the port cannot be had."""

    def __init__(self, answer: Answer, *, port: int = 0) -> None:
        self._server = _Server((HOST, port), _handler_class(answer))
        self._closed = False
        self._thread = Thread(target=self._accept, name=f"front-{self.port}", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """http://127.0.0.1:PORT"""
        return f"http://{HOST}:{self.port}"

    def close(self) -> None:
        """Stop listening and end every connection; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        with suppress(OSError):  # wakes accept(), which closing the socket would not
            socket.create_connection((HOST, self.port), timeout=1).close()
        self._thread.join()
        self._server.server_close()
        self._server.end_connections()

    def _accept(self) -> None:
        while not self._closed:
            try:
                connection, address = self._server.socket.accept()
            except OSError:
                continue
            if self._closed:
                connection.close()
            else:
                self._server.process_request(connection, address)


class _Server(ThreadingMixIn, TCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._lock = Lock()
        self._connections: set[socket.socket] = set()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        """Hang up on everybody; their threads notice and end."""
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _handler_class(answer: Answer) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        answerer = staticmethod(answer)

    return Handler


class _Handler(BaseHTTPRequestHandler):
    answerer: Answer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet for head and body

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (its name there)
        """Nothing: standard output belongs to whoever runs the cloud."""

    def respond(self) -> None:
        """Read, answer, write: one request."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self._body(headers)
        if body is None:
            return
        reply = self.answerer(HttpRequest(self.command, self.path, headers, body))
        if reply is None:
            self.close_connection = True
            return
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            if name.lower() not in _OWN_HEADERS:
                self.send_header(name, value)
        if reply.status not in _BODYLESS:
            self.send_header("Content-Length", self._length(reply))
        self.end_headers()
        if self.command != "HEAD" and reply.status not in _BODYLESS:
            self.wfile.write(reply.body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = respond  # noqa: N815

    def _length(self, reply: ApiReply) -> str:
        """HEAD has no body, but its reply tells the length that GET's would have."""
        if self.command == "HEAD":
            told = {name.lower(): value for name, value in reply.headers.items()}
            return told.get("content-length", "0")
        return str(len(reply.body))

    def _body(self, headers: Mapping[str, str]) -> bytes | None:
        """The request's body; None (and a reply) when its length makes no sense."""
        try:
            if headers.get("transfer-encoding", "").lower() == "chunked":
                return b"".join(iter(self._chunk, b""))
            return self.rfile.read(max(0, int(headers.get("content-length", "0"))))
        except ValueError:
            self.send_error(HTTPStatus.BAD_REQUEST, "The body's length makes no sense")
            return None

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline().partition(b";")[0], 16)
        chunk = self.rfile.read(size)
        while self.rfile.readline().strip() and size == 0:
            continue  # trailers, up to the empty line
        return chunk
