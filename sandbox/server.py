"""HTTP around ``Api``: one thread a connection, kept alive. Bodies and keys are never logged."""

import contextlib
import random
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sandbox.api import DEFAULT_SECONDS, Api
from sandbox.chaos import Chaos
from sandbox.page import home_page
from sandbox.store import Store
from sandbox.validation import MAX_BODY_BYTES
from sandbox.wire import JSON_TYPE, Reply, error_reply

JOBS = "/api/v1/jobs"
MAX_RUN_ID = 200
IDLE_SECONDS = 75
DRIP_SECONDS = 1.0
MAX_DRAIN_BYTES = 16 * 1024 * 1024


class SandboxServer(ThreadingHTTPServer):
    """Listens at once; ``serve_forever`` serves until ``shutdown``. ``OSError``: port taken."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self, host: str, port: int, api: Api, *, chaos: Chaos | None = None, verbose: bool = False
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.api = api
        self.chaos = chaos
        self.verbose = verbose
        self.stopping = threading.Event()
        super().__init__((host, port), Handler)

    def server_bind(self) -> None:
        # The base class also looks the host's name up, which can hang without a resolver.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    @property
    def url(self) -> str:
        """Where it listens, as a consumer's base URL."""
        host = f"[{self.server_name}]" if ":" in self.server_name else self.server_name
        return f"http://{host}:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A consumer that hung up is no error; anything else is told without the request."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, (ConnectionError, TimeoutError)):
            tell(error)

    def server_close(self) -> None:
        self.stopping.set()
        super().server_close()


def open_server(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    db: Path | None = None,
    seconds: float = DEFAULT_SECONDS,
    clock: Callable[[], float] = time.time,
    chaos_seed: int | None = None,
    chaos_rate: float = 0.0,
    verbose: bool = False,
) -> SandboxServer:
    """A listening sandbox. Port 0 takes a free one; ``url`` tells which.

    Raises ``OSError`` for an address that cannot be had and ``sqlite3.Error`` for a bad ``db``.
    """
    api = Api(Store(db), seconds=seconds, clock=clock)
    chaos = Chaos(random.Random(chaos_seed), chaos_rate) if chaos_rate else None
    try:
        return SandboxServer(host, port, api, chaos=chaos, verbose=verbose)
    except BaseException:
        api.store.close()
        raise


def tell(error: BaseException) -> None:
    """Say where the sandbox itself went wrong, without values: they may name a person."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    print(f"sandbox: unexpected {type(error).__name__}{place}", file=sys.stderr, flush=True)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: SandboxServer
    protocol_version = "HTTP/1.1"
    server_version = "nexio-sandbox"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024

    def handle_expect_100(self) -> bool:
        """Tell a consumer that asked first to go on, at once: the answer comes much later."""
        proceed = super().handle_expect_100()
        self.wfile.flush()
        return proceed

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_GET

    def _answer(self) -> None:
        body = self._read_body()
        if isinstance(body, Reply):
            reply = body
        else:
            try:
                reply = self._route(body)
            except Exception as error:
                if self.server.stopping.is_set():
                    raise ConnectionAbortedError from error
                tell(error)
                reply = error_reply(500, "internal_error", "The sandbox itself went wrong.")
        self._send(reply)

    def _route(self, body: bytes) -> Reply:
        path = self.path.partition("?")[0]
        if path == "/":
            return self._only("GET") or home_page()
        run_id = path.removeprefix(JOBS + "/")
        if path == JOBS:
            return self._only("POST") or self._jobs("POST", body)
        if run_id != path and 0 < len(run_id) <= MAX_RUN_ID and "/" not in run_id:
            return self._only("GET") or self._jobs("GET", run_id)
        return error_reply(404, "not_found", "There is nothing at this path.")

    def _only(self, method: str) -> Reply | None:
        if self.command == method:
            return None
        return error_reply(405, "method_not_allowed", f"Use {method} here.", Allow=method)

    def _jobs(self, method: str, given: Any) -> Reply:
        owner = self.server.api.owner(self.headers.get("Authorization"))
        if owner is None:
            message = "Send Authorization: Bearer nx_test_… with any key of that prefix."
            return error_reply(401, "unauthorized", message, WWW_Authenticate="Bearer")
        chaos = self.server.chaos
        before = chaos.before(method) if chaos else None
        if before is not None:
            return before
        if method == "POST":
            if self.headers.get_content_type() != JSON_TYPE:
                message = f"Content-Type: must be {JSON_TYPE}"
                return error_reply(415, "unsupported_media_type", message)
            reply = self.server.api.submit(owner, given)
        else:
            reply = self.server.api.poll(owner, given)
        return chaos.after(method, reply) if chaos else reply

    def _read_body(self) -> bytes | Reply:
        """The request's body, or the reply to a request whose body cannot be told or is too big.

        After such a reply the connection is closed, since what follows on it is unknown.
        """
        lengths = self.headers.get_all("Content-Length", [])
        if self.headers.get("Transfer-Encoding") or (not lengths and self.command == "POST"):
            self.close_connection = True
            return error_reply(411, "length_required", "Content-Length: is required")
        if not lengths:
            return b""
        text = lengths[0].strip()
        if len(set(lengths)) > 1 or not (text.isascii() and text.isdigit() and len(text) < 19):
            self.close_connection = True
            return error_reply(400, "invalid_request", "Content-Length: must be one whole number")
        length = int(text)
        if length > MAX_BODY_BYTES:
            self.close_connection = True
            self._drain(length)
            return error_reply(
                413, "payload_too_large", f"body: must not exceed {MAX_BODY_BYTES} bytes"
            )
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionAbortedError("the consumer hung up in the middle of its body")
        return body

    def _drain(self, length: int) -> None:
        """Read what a consumer is still sending: closing on it would lose it the answer."""
        self.connection.settimeout(2)
        left = min(length, MAX_DRAIN_BYTES)
        with contextlib.suppress(TimeoutError, ConnectionError):
            while left > 0 and (chunk := self.rfile.read(min(left, 65_536))):
                left -= len(chunk)

    def _send(self, reply: Reply) -> None:
        if reply.delay:
            self.server.stopping.wait(reply.delay)
        if reply.fault == "drop":
            self.close_connection = True
            self._log("dropped")
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.send_header("Cache-Control", "no-store")
        if reply.fault:
            self.close_connection = True
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self._send_body(reply)
        self._log(str(reply.status))

    def _send_body(self, reply: Reply) -> None:
        if reply.fault == "truncate":
            self.wfile.write(reply.body[: len(reply.body) // 2])
        elif reply.fault == "drip":
            for byte in reply.body:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                if self.server.stopping.wait(DRIP_SECONDS):
                    return
        else:
            self.wfile.write(reply.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class finds wrong with a request, in the API's envelope."""
        self.close_connection = True
        self.request_version = "HTTP/1.1"
        self.command = self.command or "GET"
        if code == HTTPStatus.NOT_IMPLEMENTED:
            reply = error_reply(405, "method_not_allowed", "This method is not known.")
        else:
            reply = error_reply(int(code), "invalid_request", "The request is not valid HTTP.")
        self._send(reply)

    def version_string(self) -> str:
        """What ``Server:`` says: no interpreter and no version."""
        return self.server_version

    def log_message(self, format: str, *args: Any) -> None:
        """The base class logs paths and header lines, which may name a person."""

    def _log(self, outcome: str) -> None:
        if self.server.verbose:
            path = self.path.partition("?")[0] if hasattr(self, "path") else ""
            if path.startswith(JOBS + "/"):
                path = JOBS + "/{run_id}"
            elif path not in ("/", JOBS):
                path = "(another path)"
            print(f"sandbox: {self.command} {path} {outcome}", file=sys.stderr, flush=True)
