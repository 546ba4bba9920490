"""How a completed run came to its order, as far as anybody told: in plain words.

Reads the run's frozen documents and its timeline: its reply only where the timeline does not say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quotes.models import Run, RunEvent
from quotes.models.lines import Appetite
from quotes.services.progress import STAGES

MOST_MILLISECONDS = 10**12


@dataclass(frozen=True)
class Account:
    """What a run's page says beside its order.

    `appetite` is what was sent, "" where nothing was. `seconds` is Nexio's own figure, None
    where it gave none. `stages` are those seen, in order. `unread` counts packages of the reply
    beyond those that are kept as such.
    """

    appetite: str
    seconds: float | None
    stages: tuple[str, ...]
    unread: int


def account_of(run: Run, events: Sequence[RunEvent], stored: int) -> Account:
    """`events` are the run's, oldest first; `stored` is how many packages are kept."""
    seen = [_data(event).get("stage") for event in events if event.kind == "poll"]
    named = [stage for stage in [*seen, run.stage] if isinstance(stage, str) and stage]
    told = next((_data(event) for event in reversed(events) if event.kind == "completed"), {})
    if "unread" not in told:  # ended before its event said so
        told = _read(run, stored)
    return Account(
        appetite=appetite_sent(run.request),
        seconds=_seconds(told.get("duration_ms")),
        stages=tuple(dict.fromkeys(_stage_words(stage) for stage in named)),
        unread=int(told["unread"]),
    )


def _read(run: Run, stored: int) -> Mapping[str, Any]:
    """The same from the reply, which may be megabytes."""
    reply = run.response if isinstance(run.response, Mapping) else {}
    listed = reply.get("solutions")
    unread = max(len(listed) - stored, 0) if isinstance(listed, list) else 0
    return {"duration_ms": reply.get("duration_ms"), "unread": unread}


def appetite_sent(request: Mapping[str, Any]) -> str:
    """The appetite a request states, in words; one we do not know as it came; "" for none."""
    stated = request.get("input")
    bucket = stated.get("appetite_bucket") if isinstance(stated, Mapping) else None
    if not isinstance(bucket, str):
        return ""
    return str(Appetite(bucket).label) if bucket in Appetite.values else bucket[:60]


def _seconds(value: Any) -> float | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value / 1000 if whole and 0 <= value < MOST_MILLISECONDS else None


def _stage_words(stage: str) -> str:
    words = STAGES.get(stage.upper())
    return f"{words} ({stage[:64]})" if words else stage[:64]


def _data(event: RunEvent) -> Mapping[str, Any]:
    return event.data if isinstance(event.data, Mapping) else {}
