"""What a hostile or broken Nexio answers, by how it ends: each fault once for a POST, once for a
poll.

A fault is a function of the request, as ``FakeNexio.on_submit`` and ``on_poll`` take it.  Except
for its one defect each is a good answer about the run that was asked for.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from functools import cache

from tests.answers import (
    Answer,
    Wire,
    close_without_reply,
    drip,
    endless,
    hang,
    raw,
    redirect,
    reset,
    reset_after,
    truncated,
    wire_bytes,
)
from tests.recorded import Recorded

Fault = Callable[[Recorded], Answer]
Faults = Mapping[str, Fault]

HUNDRED_MB = 100_000_000
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
GZIP = {"Content-Encoding": "gzip"}


def good(request: Recorded, more: bytes = b"") -> bytes:
    """The usual answer's bytes, with ``more`` before the closing brace."""
    name = request.run_id if request.method == "GET" else "r-1"
    return b'{"run_id": "%s", "status": "queued"%s}' % (name.encode(), more)


def always(answer: Answer) -> Fault:
    """The same answer to every request."""
    return lambda request: answer


def _with(more: bytes) -> Fault:
    return lambda request: raw(200, good(request, more))


def _named(run_id: bytes) -> Fault:
    return lambda request: raw(200, b'{"run_id": %s, "status": "queued"}' % run_id)


@cache
@cache
def _bomb(decoded: int) -> bytes:
    """Packed as small as can be: less than any cap on what is taken from the wire."""
    return gzip.compress(b" " * decoded, compresslevel=9)


def _slow_head(wire: Wire) -> bool:
    for byte in b"HTTP/1.1 202 Accepted\r\n" * 20:
        wire.send(bytes([byte]))
        wire.pause(0.05)
    return False


def _for_ever_to_continue(wire: Wire) -> bool:
    for _ in range(100):
        wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        wire.pause(0.05)
    return False


NO_REPLY: Faults = {
    "closed after the whole request": always(close_without_reply()),
    "reset after the whole request": always(reset()),
    "closed in the middle of the head": always(wire_bytes(b"HTTP/1.1 202 Accepted\r\nContent-")),
    "reset in the middle of the head": always(reset_after(b"HTTP/1.1 202 Accepted\r\nContent-")),
    "not HTTP": always(wire_bytes(b"SSH-2.0-OpenSSH_9.2\r\n")),
    "HTML without HTTP": always(wire_bytes(b"<html>Welcome</html>\r\n\r\n")),
    "zeros": always(wire_bytes(b"\0" * 200_000)),
    "a status in words": always(wire_bytes(b"HTTP/1.1 two hundred\r\n\r\n")),
    "endless head": always(wire_bytes(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 300_000)),
    "two lengths": always(
        wire_bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}")
    ),
    "a length below zero": always(wire_bytes(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}")),
}
"""The connection ends, or is of no use, before a head has come."""

BROKEN_OFF: Faults = {
    "shorter than announced": lambda request: truncated(good(request)),
    "a chunk that breaks off": always(wire_bytes(CHUNKED + b"20\r\n{")),
    "no last chunk": lambda request: wire_bytes(
        CHUNKED + b"%x\r\n%s\r\n" % (len(good(request)), good(request))
    ),
}
"""The head has come and says that all is well; then the body breaks off."""

AMID_THE_BODY: Faults = {
    "a chunk of no size": always(wire_bytes(CHUNKED + b"many\r\n{}\r\n0\r\n\r\n")),
    "reset in the middle of the body": always(
        reset_after(b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n" + b'{"run_id": ')
    ),
}
"""These may be seen before the head that was sent ahead of them: either of the above."""

NEVER: Faults = {
    "silence": always(hang()),
    "head a byte at a time": always(Answer(_slow_head)),
    "one 100 Continue after the other": always(Answer(_for_ever_to_continue)),
}
"""Nothing but the total deadline ends these; no head comes."""

NEVER_WHOLE: Faults = {
    "body a byte at a time": lambda request: drip(good(request), interval=0.05),
    "gzip a byte at a time": lambda request: drip(
        gzip.compress(good(request)), interval=0.05, headers=GZIP
    ),
}
"""The same, with a head."""

REDIRECTS: Faults = {
    "moved for a moment": always(redirect("/api/v1/jobs/elsewhere")),
    "moved for good": always(redirect("/elsewhere", 308)),
    "see other": always(redirect("/elsewhere", 303)),
    "not modified": always(raw(304)),
    "multiple choices": always(raw(300, b"{}")),
}

NOT_A_MESSAGE: Faults = {
    "no body": always(raw(204)),
    "empty body": always(raw(200, b"")),
    "HTML": always(raw(200, b"<html><body>Sign in</body></html>", {"Content-Type": "text/html"})),
    "HTML called JSON": always(
        raw(200, b"<!doctype html><p>Sorry", {"Content-Type": "application/json"})
    ),
    "truncated JSON": lambda request: raw(200, good(request)[:-3]),
    "truncated JSON, ended by closing": lambda request: wire_bytes(
        b"HTTP/1.0 200 OK\r\n\r\n" + good(request)[:-3]
    ),
    "two messages": lambda request: raw(200, good(request) + good(request)),
    "invalid UTF-8": _with(b', "stage": "\xff"'),
    "UTF-16": lambda request: raw(200, good(request).decode().encode("utf-16")),
    "a NUL byte": lambda request: raw(200, good(request) + b"\0"),
    "a list": lambda request: raw(200, b"[%s]" % good(request)),
    "a text": always(raw(200, b'"queued"')),
    "a number": always(raw(200, b"202")),
    "NaN": always(raw(200, b"NaN")),
    "null": always(raw(200, b"null")),
    "nested 2,000 deep": _with(b', "x": ' + b"[" * 2000 + b"]" * 2000),
    "objects nested 2,000 deep": _with(b', "x": ' + b'{"x": ' * 2000 + b"1" + b"}" * 2000),
    "nested 190,000 deep": always(raw(200, b"[" * 190_000)),
    "an unexpected status": always(raw(700, b"{}")),
}

NO_RUN_ID: Faults = {
    "no run_id": always(raw(200, b'{"status": "queued"}')),
    "run_id null": _named(b"null"),
    "run_id empty": _named(b'""'),
    "run_id blank": _named(b'"  "'),
    "run_id a list": _named(b'["r-1"]'),
    "run_id an object": _named(b'{"id": "r-1"}'),
    "run_id true": _named(b"true"),
    "run_id NaN": _named(b"NaN"),
    "run_id 1e999": _named(b"1e999"),
    "run_id 1.5": _named(b"1.5"),
    "run_id with a slash": _named(b'"../keys"'),
    "run_id a step of the path": _named(b'".."'),
    "run_id with NUL": _named(b'"a\\u0000b"'),
    "run_id with a line's end": _named(b'"a\\r\\nX-Header: 1"'),
    "run_id half a character": _named(b'"a\\ud800"'),
    "run_id too long": _named(b'"%s"' % (b"x" * 201)),
    "run_id of 5,000 digits": _named(b"9" * 5000),
}

TOO_MUCH: Faults = {
    "100 MB announced": always(endless(HUNDRED_MB, announce=True)),
    "100 MB in chunks": always(endless(HUNDRED_MB)),
    "100 MB of gzip": lambda request: raw(200, _bomb(HUNDRED_MB), GZIP),
    "a gzip bomb in chunks": lambda request: wire_bytes(
        CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
        + b"%x\r\n%s\r\n0\r\n\r\n" % (len(_bomb(HUNDRED_MB)), _bomb(HUNDRED_MB))
    ),
    "a million empty lists": _with(b', "x": [' + b"[]," * 1_000_000 + b"[]]"),
    "more values than are read": _with(b', "x": [' + b"1," * 300_000 + b"1]"),
}

WRONG_CODING: Faults = {
    "gzip that is none": lambda request: raw(200, good(request), GZIP),
    "gzip that stops in the middle": lambda request: raw(
        200, gzip.compress(good(request))[:-12], GZIP
    ),
    "gzip with a wrong checksum": lambda request: raw(
        200, gzip.compress(good(request))[:-8] + b"\0" * 8, GZIP
    ),
    "gzip twice": lambda request: raw(
        200, gzip.compress(gzip.compress(good(request))), {"Content-Encoding": "gzip, gzip"}
    ),
    "an encoding not asked for": lambda request: raw(
        200, good(request), {"Content-Encoding": "br"}
    ),
}

UNUSABLE: Mapping[str, Faults] = {
    "redirects": REDIRECTS,
    "not a message": NOT_A_MESSAGE,
    "no run_id": NO_RUN_ID,
    "too much": TOO_MUCH,
    "wrong coding": WRONG_CODING,
}
"""A whole reply, or more than a whole one, that cannot be what Nexio means to say."""

ODD_VALUES: Mapping[str, bytes] = {
    "NaN": b"NaN",
    "Infinity": b"-Infinity",
    "1e999": b"1e999",
    "1e-999999": b"1e-999999",
    "an exponent of 20 digits": b"1e99999999999999999999",
    "5,000 digits": b"9" * 5000,
    "5,000 digits and a fraction": b"9" * 5000 + b".5",
    "a number in quotation marks": b'"11985"',
    "NUL": b'"\\u0000"',
    "a lone surrogate": b'"\\ud800 \\udfff"',
    "text turned round": b'"\\u202e001,9$"',
    "a text of 100,000 characters": b'"%s"' % (b"x" * 100_000),
    "markup": b'"<script>alert(1)</script>"',
    "true": b"true",
    "null": b"null",
    "a list": b"[1, [2]]",
    "an object": b'{"a": {"b": null}}',
    "a key of NUL": b'{"a\\u0000": 1, "a\\ufffd": 2}',
    "nested 90 deep": b"[" * 90 + b"]" * 90,
}
"""JSON values that some field of a reply may not have; none of them costs a run."""


def by_name(*families: Faults) -> dict[str, Fault]:
    """Several families as one."""
    return {name: fault for family in families for name, fault in family.items()}
