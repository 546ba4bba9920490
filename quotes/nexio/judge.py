"""What an exchange that brought no usable answer means: an error of ``errors``."""

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

import simplejson

from quotes.nexio import errors, values
from quotes.nexio.exchange import Ending, Exchange

_SECONDS: Final = re.compile(r"[+-]?\d{1,20}(\.\d{0,20})?", re.ASCII)


def error_of(seen: Exchange) -> errors.NexioError:
    """The error an exchange ended in, for any exchange but a complete 2xx.

    A status that has arrived decides, even where the body after it broke off: a 400 is a refusal
    whether or not its explanation could be read.
    """
    if seen.status is None or (seen.status // 100 == 2 and seen.ending is not Ending.COMPLETE):
        return _broken(seen)
    body = bytes(seen.body)
    if not 400 <= seen.status <= 599:
        return errors.Unusable(
            f"Nexio's address answered {_named(seen.status)}, which is not followed."
            if 300 <= seen.status <= 399
            else f"Nexio answered with an unexpected status {seen.status}.",
            http_status=seen.status,
            body=body,
        )
    code, said, details = envelope(body)
    found: dict[str, Any] = {
        "http_status": seen.status,
        "body": body,
        "code": code,
        "nexio_message": said,
        "details": details,
    }
    words = f"{_named(seen.status)}: {said or code or 'no readable explanation'}"
    wait = retry_after(seen)
    if seen.status == HTTPStatus.TOO_MANY_REQUESTS:
        seconds = errors.DEFAULT_RETRY_AFTER if wait is None else wait
        return errors.Throttled(f"Nexio asks to wait. {words}", retry_after=seconds, **found)
    if seen.status == HTTPStatus.SERVICE_UNAVAILABLE and wait is not None:
        return errors.Throttled(f"Nexio asks to wait. {words}", retry_after=wait, **found)
    if seen.status in errors.INDEFINITE:
        return errors.Unusable(f"Nexio's answer decides nothing. {words}", **found)
    if seen.status >= 500:
        return errors.ServerFault(f"Nexio failed. {words}", **found)
    if seen.status == HTTPStatus.UNAUTHORIZED:
        return errors.KeyRefused(f"Nexio does not accept the API key. {words}", **found)
    return errors.Refused(f"Nexio refused. {words}", **found)


def envelope(body: bytes) -> tuple[str | None, str | None, Any]:
    """``(code, message, details)`` of an error's body, each None where not given.

    Reads the flat form and the one under ``error``, and as a courtesy ``error`` or ``detail`` as
    a bare text, which gateways write.
    """
    answer = object_of(body)
    if answer is None:
        return None, None, None
    inner = answer.get("error")
    if isinstance(inner, dict):
        answer = inner
    said = answer.get("message") or answer.get("detail") or inner
    details = answer.get("details")
    return (
        values.text(answer.get("code"), 64),
        None if isinstance(said, dict) and not said else values.text_of(said, 400),
        values.storable(details),
    )


def object_of(body: bytes) -> dict[str, Any] | None:
    """The JSON object in a reply's bytes, or None where there is none."""
    try:
        value = values.decode(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def retry_after(seen: Exchange, now: datetime | None = None) -> float | None:
    """Seconds to wait by the reply's ``Retry-After``, never negative; None where it is absent or
    unreadable.  A date is measured against the reply's own ``Date``, so that a clock that is
    wrong here does not matter; else against ``now``."""
    given = (seen.headers.get_list("retry-after") or [""])[0].strip()
    if _SECONDS.fullmatch(given):
        return max(float(given), 0.0)
    when = _http_date(given)
    if when is None:
        return None
    clock = _http_date(seen.headers.get("date", "")) or now or datetime.now(UTC)
    wait = (when - clock).total_seconds()
    return max(wait, 0.0) if math.isfinite(wait) else None


def unreadable(fault: ValueError) -> str:
    """Words for a 2xx that could not be read; nothing of the body itself is quoted."""
    if isinstance(fault, simplejson.JSONDecodeError | UnicodeDecodeError):
        return "Nexio's reply could not be used: it is not JSON."
    return f"Nexio's reply could not be used: {values.text(str(fault), 300)}."


def _broken(seen: Exchange) -> errors.NexioError:
    known: dict[str, Any] = {
        "http_status": seen.status,
        "body": None if seen.status is None else bytes(seen.body),
    }
    why = (values.text(seen.problem, 300) or "no reason known").rstrip(".")
    if seen.ending is Ending.NOT_SENT:
        return errors.NotSent(f"Nexio could not be reached; nothing was sent ({why}).")
    if seen.ending is Ending.LOST:
        return errors.LostReply(f"{_lost(seen)} ({why}).", **known)
    if seen.ending is Ending.TOO_LARGE:
        return errors.Unusable(f"Nexio's answer is too large to be read ({why}).", **known)
    return errors.Unusable(f"Nexio's answer could not be unpacked ({why}).", **known)


def _lost(seen: Exchange) -> str:
    if seen.late:
        return "Nexio did not answer in time"
    if seen.status is None:
        return "The connection broke before Nexio answered"
    return "The connection broke in the middle of Nexio's answer"


def _http_date(given: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(given)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
