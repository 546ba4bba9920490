"""A mail server on loopback, for tests: takes mail by SMTP, or is told to refuse it."""

from __future__ import annotations

import email
import socketserver
import threading
from email.message import Message
from email.policy import default
from types import TracebackType
from typing import Any, Self


class _Session(socketserver.StreamRequestHandler):
    """One connection: enough of RFC 5321 for what smtplib says."""

    def handle(self) -> None:
        server: Any = self.server
        self._say("220 test")
        while line := self.rfile.readline():
            verb = line.strip().upper()
            if verb.startswith((b"EHLO", b"HELO")):
                self._say("250 test")
            elif verb.startswith(b"RCPT") and server.outer.refusing:
                server.outer.refused += 1
                self._say("450 try again later")
            elif verb == b"DATA":
                self._say("354 go on")
                server.outer.taken.append(self._message())
                self._say("250 taken")
                server.outer.one_taken.set()
            elif verb == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _message(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines)

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    outer: MailServer


class MailServer:
    """Takes mail while it is open. `taken` are the messages' bytes, `refused` counts the rest."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.one_taken = threading.Event()
        self.refusing = False
        self.refused = 0
        self._server = _Server(("127.0.0.1", 0), _Session)
        self._server.outer = self
        self.port: int = self._server.server_address[1]

    @property
    def messages(self) -> list[Message]:
        return [email.message_from_bytes(each, policy=default) for each in self.taken]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
