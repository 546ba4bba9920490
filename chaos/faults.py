"""The fault script: what a request gets, by the seed, what it asks for, and how often it asked.

So the same run of the same seed is treated alike however the requests of all are interleaved.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from chaos.journal import REFUSED, SPOILT, UNDONE
from sandbox.scenarios import HTML
from sandbox.wire import Reply, error_reply, json_reply

SLOW_SECONDS = 1.5
INSTEAD: dict[str, Reply] = {
    "429": error_reply(429, "rate_limited", "Chaos.", Retry_After="1"),
    "503": error_reply(503, "unavailable", "Chaos.", Retry_After="1"),
    "500": error_reply(500, "internal_error", "Chaos."),
    "vanish": error_reply(500, "internal_error", "Chaos.").but(fault="drop"),
}
"""In place of the answer, nothing done: two that say so, and two that leave it open."""
DRESSED: dict[str, Callable[[Reply], Reply]] = {
    "drop": lambda reply: reply.but(fault="drop"),
    "truncate": lambda reply: reply.but(fault="truncate"),
    "html": lambda reply: HTML.but(status=reply.status),
    "types": lambda reply: json_reply(reply.status, {"run_id": ["17"], "status": 4}),
    "slow": lambda reply: reply.but(delay=reply.delay + SLOW_SECONDS),
}
"""What was asked for is done, and the answer spoilt or late."""
ODD: dict[str, Callable[[str], Reply]] = {
    "404": lambda run_id: error_reply(404, "not_found", "Chaos."),
    "unheard": lambda run_id: json_reply(200, {"run_id": run_id, "status": "simmering"}),
    "backwards": lambda run_id: json_reply(200, {"run_id": run_id, "status": "queued"}),
    "other": lambda run_id: json_reply(200, {"run_id": "of-another", "status": "completed"}),
    "nothing": lambda run_id: Reply(200, b""),
}
"""For polls only: answers that Nexio does not document."""
SUBMIT = (*INSTEAD, *DRESSED)
POLL = (*INSTEAD, *DRESSED, *ODD)

assert set(INSTEAD) == REFUSED | UNDONE  # noqa: S101 - the checker goes by the journal's words
assert set(DRESSED) == SPOILT | {"slow"}  # noqa: S101


def fault_for(seed: int, rate: float, method: str, asked: str, count: int) -> str:
    """The fault of the `count`-th request for `asked`, "" for none; `rate` of all have one."""
    chance = chance_for(seed, method, asked, count)
    if chance.random() >= rate:
        return ""
    return chance.choice(SUBMIT if method == "POST" else POLL)


def chance_for(seed: int, *what: object) -> random.Random:
    """Chance that is the same for the same seed and thing."""
    return random.Random(f"{seed} {what}")  # noqa: S311 - a script, no secret
