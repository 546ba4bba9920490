"""Faults out of the blue, the same ones again for the same seed and order of requests."""

import random
import threading

from sandbox.scenarios import HTML
from sandbox.wire import Reply, error_reply

DEFAULT_RATE = 0.2
SLOW_SECONDS = 1.5


class Chaos:
    """Picks a fault for a share ``rate`` (0 to 1) of all requests. Safe between threads."""

    def __init__(self, source: random.Random, rate: float = DEFAULT_RATE) -> None:
        self._source = source
        self._rate = rate
        self._lock = threading.Lock()

    def before(self, method: str) -> Reply | None:
        """A fault in place of the answer, before anything was done."""
        kinds = {"POST": _SUBMIT, "GET": _POLL}[method]
        with self._lock:
            if self._source.random() >= self._rate / 2:
                return None
            return self._source.choice(kinds)

    def after(self, method: str, reply: Reply) -> Reply:
        """A fault in the sending of an answer to what was done."""
        with self._lock:
            if self._source.random() >= self._rate / 2:
                return reply
            fault = self._source.choice(("drop", "truncate", "slow"))
        return reply.but(delay=SLOW_SECONDS) if fault == "slow" else reply.but(fault=fault)


_SUBMIT = (
    error_reply(429, "rate_limited", "Chaos.", Retry_After="1"),
    error_reply(503, "unavailable", "Chaos.", Retry_After="1"),
    error_reply(500, "internal_error", "Chaos."),
)
_POLL = (
    error_reply(429, "rate_limited", "Chaos.", Retry_After="1"),
    error_reply(500, "internal_error", "Chaos."),
    error_reply(404, "not_found", "Chaos."),
    HTML,
)
