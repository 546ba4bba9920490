"""The two endpoints, without their transport: what is asked in, a ``Reply`` out.

A run's whole future is decided when it is taken: from then on its status is a matter of the time
that has passed, so a restart changes nothing.
"""

import hashlib
import re
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox import ranking
from sandbox.scenarios import (
    ORDINARY,
    RETRY_AFTER_SECONDS,
    SCENARIOS,
    Body,
    Scenario,
    scenario_name,
)
from sandbox.store import Run, Store, owner_of
from sandbox.validation import InvalidRequest, check_submission
from sandbox.wire import MalformedJson, Reply, dumps, error_reply, json_reply, loads

SERVICE = "nexio-sandbox"
ENVIRONMENT = "test"
DEFAULT_SECONDS = 8.0
QUEUED_SHARE = 0.15
FILTER_SHARE = 0.25
_KEY = re.compile(r"bearer +(nx_test_[A-Za-z0-9_\-]{1,200})", re.IGNORECASE)


class Api:
    """Takes and reports runs. ``clock`` gives seconds since the epoch; ``seconds`` a run's length.

    Safe between threads: what is shared lies in ``store``.
    """

    def __init__(
        self,
        store: Store,
        *,
        seconds: float = DEFAULT_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store = store
        self.seconds = seconds
        self.clock = clock

    def owner(self, authorization: str | None) -> str | None:
        """Whose runs an ``Authorization`` header opens, or ``None`` for a key that is none."""
        found = _KEY.fullmatch(authorization.strip()) if authorization else None
        return owner_of(found[1]) if found else None

    def submit(self, owner: str, data: bytes) -> Reply:
        """``POST /api/v1/jobs``: 202 ``{"run_id", "status"}``, or an error naming the field."""
        try:
            body = loads(data)
            check_submission(body)
            scenario = _scenario(body["input"])
        except MalformedJson as error:
            return error_reply(400, "invalid_request", f"body: {error}")
        except InvalidRequest as error:
            return error_reply(400, "invalid_request", str(error))
        if scenario.refuse is not None:
            token = f"submit {owner} {hashlib.sha256(data).hexdigest()}"
            refused = scenario.refuse(self._wait(token, once=False))
            if refused is not None:
                return refused
        run = self._begin(owner, scenario, body)
        self.store.add(run)
        reply = json_reply(202, {"run_id": run.run_id, "status": "queued"})
        return scenario.accepted(reply) if scenario.accepted is not None else reply

    def poll(self, owner: str, run_id: str) -> Reply:
        """``GET /api/v1/jobs/{run_id}``: the run as it stands now, or 404."""
        run = self.store.find(run_id, owner)
        if run is None:
            return error_reply(404, "not_found", "There is no such run.")
        scenario = SCENARIOS.get(run.scenario, ORDINARY)
        status, stage = stage_at(self.clock() - run.created, run.seconds)
        if scenario.never_ends and status == "completed":
            status, stage = "processing", "EVALUATE"
        if status == "completed":
            usual = Reply(200, run.terminal)
        else:
            usual = json_reply(200, _status(run, status, stage))
        if scenario.poll is None:
            return usual
        polls = self.store.count_poll(run_id)
        return scenario.poll(polls, usual, self._wait(f"poll {run_id}", once=True)) or usual

    def _begin(self, owner: str, scenario: Scenario, body: Mapping[str, Any]) -> Run:
        created = self.clock()
        seconds = self.seconds if scenario.seconds is None else scenario.seconds
        run_id = str(uuid.uuid4())
        run = Run(run_id, owner, scenario.name, created, seconds, b"")
        final: Body | bytes = _completed(run, body)
        if scenario.terminal is not None and isinstance(final, dict):
            final = scenario.terminal(final)
        terminal = final if isinstance(final, bytes) else dumps(final).encode("ascii")
        return Run(run_id, owner, scenario.name, created, seconds, terminal)

    def _wait(self, token: str, *, once: bool) -> Callable[[], int | None]:
        return lambda: self.store.must_wait(token, self.clock(), RETRY_AFTER_SECONDS, once=once)


def stage_at(elapsed: float, seconds: float) -> tuple[str, str]:
    """Status and stage of an ordinary run ``elapsed`` seconds after it was taken."""
    if elapsed >= seconds:
        return "completed", ""
    if elapsed < seconds * QUEUED_SHARE:
        return "queued", ""
    if elapsed < seconds * (QUEUED_SHARE + FILTER_SHARE):
        return "processing", "FILTER"
    return "processing", "EVALUATE"


def _scenario(given: Mapping[str, Any]) -> Scenario:
    name = scenario_name(given)
    if name and name not in SCENARIOS:
        raise InvalidRequest(f"input.sandbox_scenario: must be one of {', '.join(SCENARIOS)}")
    return SCENARIOS.get(name, ORDINARY)


def _status(run: Run, status: str, stage: str) -> Body:
    """An unfinished run: optional keys are left out, not null."""
    body = {"run_id": run.run_id, "status": status, "environment": ENVIRONMENT}
    if stage:
        body["stage"] = stage
    return {**body, "service": SERVICE, "created_at": _timestamp(run.created)}


def _completed(run: Run, body: Mapping[str, Any]) -> Body:
    given = body["input"]
    found = ranking.rank(body)
    output: Body = {
        "diagnostic": found.diagnostic,
        "requirement_count": len(given["coverage_types"]),
        "solutions_count": len(found.solutions),
        "tolerance_bucket": given.get("appetite_bucket") or "balanced",
    }
    if found.solutions:
        output["top_label"] = found.solutions[0]["cluster_label"]
        output["top_score"] = found.solutions[0]["scorecard"]["overall_level"]
    return {
        "run_id": run.run_id,
        "status": "completed",
        "environment": ENVIRONMENT,
        "service": SERVICE,
        "output": output,
        "solutions": found.solutions,
        "created_at": _timestamp(run.created),
        "completed_at": _timestamp(run.created + run.seconds),
        "duration_ms": round(run.seconds * 1000),
    }


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
