"""Failures on request: what a submission must say to be treated badly, and how.

A submission asks for one by ``input.sandbox_scenario``, or by an applicant whose name is
"Sandbox" and the scenario's name ("Sandbox failed"), which a form can carry too.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from sandbox.wire import Reply, dumps, error_reply, json_reply, loads

RETRY_AFTER_SECONDS = 2
LONG_RETRY_AFTER_SECONDS = 3_600
SLOW_SECONDS = 60.0
FAILED_POLLS = 3
ODD_POLLS = 2
HUGE_BYTES = 24 * 1024 * 1024

Body = dict[str, Any]
Wait = Callable[[], int | None]


@dataclass(frozen=True)
class Scenario:
    """What differs from an ordinary run. Every hook may be absent.

    ``refuse`` answers the POST instead of taking it; ``accepted`` changes the 202; ``terminal``
    changes the last body (or replaces its bytes); ``poll`` answers a GET instead of the run's
    status, given how many times it was asked and the reply that is usual.
    ``refuse`` and ``poll`` get ``wait``, which starts a wait and tells the seconds left of it.
    """

    name: str
    summary: str
    refuse: Callable[[Wait], Reply | None] | None = None
    accepted: Callable[[Reply], Reply] | None = None
    terminal: Callable[[Body], Body | bytes] | None = None
    poll: Callable[[int, Reply, Wait], Reply | None] | None = None
    seconds: float | None = None
    never_ends: bool = False


ORDINARY = Scenario("", "an ordinary run")


def _refusal(status: int, code: str, message: str) -> Callable[[Wait], Reply]:
    return lambda wait: error_reply(status, code, message)


def _throttled(status: int, code: str, message: str) -> Callable[[Wait], Reply | None]:
    """Refuse until ``Retry-After`` has passed, then take the same body."""

    def refuse(wait: Wait) -> Reply | None:
        left = wait()
        return None if left is None else error_reply(status, code, message, Retry_After=str(left))

    return refuse


def _long_throttle(wait: Wait) -> Reply | None:
    if wait() is None:
        return None
    seconds = str(LONG_RETRY_AFTER_SECONDS)
    return error_reply(429, "rate_limited", "Too many requests.", Retry_After=seconds)


def _dated_throttle(wait: Wait) -> Reply | None:
    left = wait()
    if left is None:
        return None
    # A date has whole seconds only: one more, so that it never comes out early.
    when = formatdate(time.time() + left + 1, usegmt=True)
    return error_reply(429, "rate_limited", "Too many requests.", Retry_After=when)


def _nested_error(wait: Wait) -> Reply:
    details = [{"field": "input.drivers", "issue": "at least one driver is required"}]
    error = {"code": "invalid_request", "message": "input.drivers: must not be empty"}
    return json_reply(400, {"error": {**error, "details": details}})


def _redirect(wait: Wait) -> Reply:
    return json_reply(307, {}, Location="/api/v2/jobs")


def _no_run_id(reply: Reply) -> Reply:
    return json_reply(202, {"status": "queued"})


def _failed(body: Body) -> Body:
    return {
        **_kept(body, "status", "output", "solutions"),
        "status": "failed",
        "error": "The evaluation could not be finished.",
        "error_details": {
            "stage": "EVALUATE",
            "code": "scorecard_unavailable",
            "message": "No scorecard was produced for 2 of 3 requirements.",
        },
    }


def _failed_oddly(body: Body) -> Body:
    return {
        **_kept(body, "status", "output", "solutions"),
        "status": "failed",
        "error": {"code": "pipeline_error", "message": "The pipeline stopped."},
        "error_details": ["FILTER finished", "EVALUATE stopped: <b>no scorecard</b>", 17, None],
    }


def _degraded(body: Body) -> Body:
    reason = "Carrier quality data was unavailable; neutral values were used."
    return {
        **body,
        "status": "degraded",
        "output": {**body["output"], "degradation_reason": reason},
    }


def _zero(body: Body) -> Body:
    output = _kept(body["output"], "top_label", "top_score")
    output |= {
        "solutions_count": 0,
        "diagnostic": "No valid package. All offerings were filtered out.",
    }
    return {**body, "output": output, "solutions": []}


def _malformed(body: Body) -> Body:
    """Readable JSON in which every solution is odd in its own way."""
    good = body["solutions"][:1]
    odd: list[Any] = [
        {"rank": "two", "cluster_label": "<script>alert(1)</script>", "provider_count": "many",
         "est_cost_low": "$1,200", "est_cost_high": None, "scorecard": [],
         "offerings": {"home": "PURE"}},
        {"rank": 3, "cluster_label": None, "est_cost_low": -5, "est_cost_high": 1e300,
         "scorecard": {"overall_level": "high", "<b>markup</b>": 3},
         "offerings": [None, 7, {"provider_name": "<img src=x onerror=alert(1)>",
                                 "category": "boat", "attributes": None}]},
        {"cluster_label": "x" * 5_000, "offerings": []},
        "not a solution",
        None,
        {},
    ]  # fmt: skip
    output = {**body["output"], "solutions_count": "several", "diagnostic": "<i>odd</i>"}
    return {**body, "output": output, "solutions": good + odd}


def _missing_fields(body: Body) -> Body:
    lacking = [
        {name: value for name, value in solution.items() if name in ("rank", "offerings")}
        for solution in body["solutions"]
    ]
    return {"run_id": body["run_id"], "status": "completed", "solutions": lacking}


def _no_solutions_key(body: Body) -> Body:
    return {"run_id": body["run_id"], "status": "completed", "output": None}


def _nan(body: Body) -> bytes:
    """Almost JSON: the literal NaN stands where the levels should."""
    text = dumps({**body, "output": {**body["output"], "top_score": "@"}})
    return text.replace('"@"', "NaN").encode("ascii")


def _nul_texts(body: Body) -> Body:
    """Texts a database may refuse: a NUL, a lone surrogate, and a very long line."""
    output = {**body["output"], "diagnostic": "nul \x00, surrogate \ud800, " + "long " * 5_000}
    return {**body, "output": output}


def _kept(value: Mapping[str, Any], *without: str) -> Body:
    return {name: item for name, item in value.items() if name not in without}


def _unknown_status(polls: int, usual: Reply, wait: Wait) -> Reply | None:
    return _status_reply(usual, "reconciling") if polls <= ODD_POLLS else None


def _regressing(polls: int, usual: Reply, wait: Wait) -> Reply | None:
    steps = {1: ("processing", "EVALUATE"), 2: ("queued", ""), 3: ("processing", "FILTER")}
    return _status_reply(usual, *steps[polls]) if polls in steps else None


def _status_reply(usual: Reply, status: str, stage: str = "") -> Reply:
    body = loads(usual.body)
    first = ("run_id", "environment", "service", "created_at")
    kept = {name: body[name] for name in first if name in body}
    return json_reply(200, {**kept, "status": status} | ({"stage": stage} if stage else {}))


def _fails_at_first(status: int, code: str, times: int) -> Callable[..., Reply | None]:
    def poll(polls: int, usual: Reply, wait: Wait) -> Reply | None:
        return error_reply(status, code, f"Made up, {times} times.") if polls <= times else None

    return poll


def _poll_throttled(polls: int, usual: Reply, wait: Wait) -> Reply | None:
    left = wait()
    if left is None:
        return None
    return error_reply(429, "rate_limited", "Too many requests.", Retry_After=str(left))


def _always(reply: Reply) -> Callable[..., Reply]:
    return lambda polls, usual, wait: reply


def _with_fault(fault: str) -> Callable[..., Reply | None]:
    def poll(polls: int, usual: Reply, wait: Wait) -> Reply | None:
        return usual.but(fault=fault) if polls <= ODD_POLLS else None

    return poll


def _huge(polls: int, usual: Reply, wait: Wait) -> Reply:
    return Reply(200, b'{"padding": "' + b"x" * HUGE_BYTES + b'"}')


def _wrong_run(polls: int, usual: Reply, wait: Wait) -> Reply | None:
    other = {**loads(usual.body), "run_id": "00000000-0000-4000-8000-000000000000"}
    return json_reply(200, other) if polls <= ODD_POLLS else None


HTML = Reply(200, b"<!doctype html><title>Gateway</title><p>Maintenance.</p>", "text/html")
_ALL = [
    # The end of a run
    Scenario("failed", "ends failed, with error and error_details", terminal=_failed),
    Scenario("failed_odd", "ends failed, error an object and error_details a list",
             terminal=_failed_oddly),
    Scenario("degraded", "ends degraded, with output.degradation_reason", terminal=_degraded),
    Scenario("zero_solutions", "completes with no solution and a diagnostic", terminal=_zero),
    Scenario("malformed_solutions", "wrong types, missing keys and markup in the solutions",
             terminal=_malformed),
    Scenario("missing_fields", "a completed reply of run_id, status and bare solutions",
             terminal=_missing_fields),
    Scenario("no_solutions_key", "a completed reply without solutions, output null",
             terminal=_no_solutions_key),
    Scenario("nan_solutions", "a completed reply with the literal NaN, which is not JSON",
             terminal=_nan),
    Scenario("nul_texts", "NUL, a lone surrogate and 25 kB in the diagnostic",
             terminal=_nul_texts),
    # The course of a run
    Scenario("slow", f"takes {SLOW_SECONDS:g} s", seconds=SLOW_SECONDS),
    Scenario("stuck", "stays in EVALUATE and never ends", never_ends=True),
    Scenario("unknown_status", "the first 2 polls say reconciling", poll=_unknown_status),
    Scenario("regressing_status", "polls say EVALUATE, queued, FILTER, then go on",
             poll=_regressing),
    # The POST
    Scenario("reject_400", "POST: 400 invalid_request",
             refuse=_refusal(400, "invalid_request", "input.drivers[0].driver_id: is required")),
    Scenario("reject_401", "POST: 401 unauthorized",
             refuse=_refusal(401, "unauthorized", "The key is not valid.")),
    Scenario("reject_403", "POST: 403 forbidden",
             refuse=_refusal(403, "forbidden", "The key may not submit runs.")),
    Scenario("reject_404", "POST: 404 not_found",
             refuse=_refusal(404, "not_found", "No such resource.")),
    Scenario("reject_422", "POST: 422 unprocessable",
             refuse=_refusal(422, "unprocessable", "offerings: cannot be evaluated together")),
    Scenario("nested_error", "POST: 400 in the old envelope with details", refuse=_nested_error),
    Scenario("throttle_429", "POST: 429 with Retry-After, taken once it has passed",
             refuse=_throttled(429, "rate_limited", "Too many requests.")),
    Scenario("throttle_date", "POST: 429 whose Retry-After is a date", refuse=_dated_throttle),
    Scenario("throttle_long", "POST: 429 with Retry-After of an hour (2 s suffice);"
             " a client that heeds it holds everything",
             refuse=_long_throttle),
    Scenario("unavailable_503", "POST: 503 with Retry-After, taken once it has passed",
             refuse=_throttled(503, "unavailable", "Try again shortly.")),
    Scenario("server_error_500", "POST: 500, nothing kept",
             refuse=_refusal(500, "internal_error", "Something went wrong.")),
    Scenario("redirect", "POST: 307 to another path", refuse=_redirect),
    Scenario("lost_reply", "POST: the run is made, the socket closed unanswered",
             accepted=lambda reply: reply.but(fault="drop")),
    Scenario("error_after_accept", "POST: the run is made, the answer is 502",
             accepted=lambda reply: error_reply(502, "bad_gateway", "Bad gateway.")),
    Scenario("no_run_id", "POST: 202 without run_id", accepted=_no_run_id),
    Scenario("html_202", "POST: 202 with a page of HTML", accepted=lambda reply: HTML.but(
        status=202)),
    # The polls
    Scenario("poll_500", f"the first {FAILED_POLLS} polls: 500",
             poll=_fails_at_first(500, "internal_error", FAILED_POLLS)),
    Scenario("poll_404_then_ok", f"the first {ODD_POLLS} polls: 404",
             poll=_fails_at_first(404, "not_found", ODD_POLLS)),
    Scenario("poll_401", f"the first {ODD_POLLS} polls: 401",
             poll=_fails_at_first(401, "unauthorized", ODD_POLLS)),
    Scenario("poll_429", "the first poll: 429 with Retry-After", poll=_poll_throttled),
    Scenario("poll_garbage", "every poll: a page of HTML with 200", poll=_always(HTML)),
    Scenario("poll_redirect", "every poll: 302 to another path",
             poll=_always(json_reply(302, {}, Location="/api/v2/jobs"))),
    Scenario("poll_drop", f"the first {ODD_POLLS} polls: the socket is closed unanswered",
             poll=_with_fault("drop")),
    Scenario("poll_truncated", f"the first {ODD_POLLS} polls: half of the announced body",
             poll=_with_fault("truncate")),
    Scenario("poll_drip", f"the first {ODD_POLLS} polls: a byte a second",
             poll=_with_fault("drip")),
    Scenario("poll_huge", f"every poll: {HUGE_BYTES // 1024 // 1024} MB", poll=_huge),
    Scenario("poll_wrong_run", f"the first {ODD_POLLS} polls name another run_id",
             poll=_wrong_run),
]  # fmt: skip
SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in _ALL}

_ASKED_BY_NAME = re.compile(r"sandbox\s+(.+)", re.IGNORECASE)


def scenario_name(given: Mapping[str, Any]) -> str:
    """The scenario ``input`` asks for, ``""`` for none. An unknown one comes back as it was asked.

    An unknown ``sandbox_scenario`` is worth an error; a person named Sandbox is not.
    """
    asked = given.get("sandbox_scenario")
    if asked not in (None, ""):
        return _slug(asked) if isinstance(asked, str) else str(asked)
    for name in _names(given.get("applicant")):
        found = _ASKED_BY_NAME.fullmatch(name.strip())
        if found and (slug := _slug(found[1])) in SCENARIOS:
            return slug
    return ""


def _slug(text: str) -> str:
    return re.sub(r"[\s\-]+", "_", text.strip()).casefold()


def _names(applicant: Any) -> Iterator[str]:
    """Whatever may be a full name in an applicant, whose shape nobody documents."""
    if not isinstance(applicant, dict):
        return
    yield from (value for value in applicant.values() if isinstance(value, str))
    for first, last in (("first_name", "last_name"), ("first", "last")):
        parts = [applicant.get(first), applicant.get(last)]
        yield " ".join(part for part in parts if isinstance(part, str))
    inner = applicant.get("name")
    if isinstance(inner, dict):
        yield from _names(inner)
