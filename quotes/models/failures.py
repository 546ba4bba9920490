"""Why a run has no packages, as codes that lists and reports count by."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Protocol

NO_PACKAGE = "no_package"
WORDS = {
    NO_PACKAGE: "No package ranked",
    "failed": "Nexio failed",
    "rejected": "Request refused",
    "submit_unknown": "Submission unknown",
    "bad_response": "Unreadable replies",
    "abandoned": "Given up",
}
"""The codes, most of them states; `failed` and `rejected` may go on: "failed:pipeline_error",
"rejected:401"."""
REFUSALS = {
    "400": "the request makes no sense to it",
    "401": "key refused",
    "403": "key not allowed",
    "404": "address unknown",
    "413": "request too large",
    "422": "the request makes no sense to it",
}
CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{2,39}")


class Ended(Protocol):
    """What of a run tells why it ended; a `Run` has all of it."""

    state: str
    error: str
    error_code: str
    http_status: int | None


def failure_of(run: Ended, packages: int | None) -> str:
    """The code for why a run has no packages; "" where it has, or may still get some.

    `packages` is None while they are not stored yet. What Nexio says of a failure is an open
    word: its code, or an error that is one word.
    """
    if run.state == "completed":
        return NO_PACKAGE if packages == 0 else ""
    if run.state == "failed":
        said = run.error_code or run.error
        return f"failed:{said.lower()}" if CODE.fullmatch(said) else "failed"
    if run.state == "rejected":
        return f"rejected:{run.http_status}" if run.http_status else "rejected"
    return run.state if run.state in WORDS else ""


def failure_words(code: str) -> str:
    """ "Nexio failed: pipeline error", "Request refused (401): key refused"; "" for none."""
    kind, _, more = code.partition(":")
    words = WORDS.get(kind, kind.replace("_", " "))
    if not more:
        return words
    if kind == "rejected":
        why = REFUSALS.get(more)
        return f"{words} ({more})" + (f": {why}" if why else "")
    return f"{words}: {more.replace('_', ' ')}"


def waited_of(
    state: str,
    submitted_at: datetime | None,
    completed_at: datetime | None,
    finished_at: datetime | None,
) -> float | None:
    """Seconds from the 202 until Nexio had ended, None where it has not, or is not known.

    Nexio's own word for the end counts where our clock allows it; else when we knew.
    """
    if state not in {"completed", "failed"} or submitted_at is None or finished_at is None:
        return None
    end = finished_at
    if completed_at is not None and submitted_at <= completed_at <= finished_at:
        end = completed_at
    return max((end - submitted_at).total_seconds(), 0.0)
