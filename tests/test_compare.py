"""`manage.py compare` and `show_run`: exit codes and what they print."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import simplejson
from django.core.management import call_command
from django.utils import timezone

from quotes.models import Run
from quotes.services import claims, watching
from tests.answers import reset, status
from tests.factories import EXAMPLES, make_user
from tests.fake_nexio import FakeNexio
from tests.services.watch import Watching, until_state

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = {
    "state", "run_id", "nexio_status", "environment", "request", "response", "solutions",
    "diagnostic", "error", "error_details",
}  # fmt: skip
SOLUTION = {
    "rank", "cluster_label", "overall_level", "provider_count", "est_cost_low", "est_cost_high",
    "lines",
}  # fmt: skip
LINE = {"category", "provider_name", "line_premium_annual"}


def compare(*options: str, name: str = "guide_request.json") -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    out, err = StringIO(), StringIO()
    try:
        call_command("compare", str(EXAMPLES / name), *options, stdout=out, stderr=err)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_completed_prints_one_object_with_what_was_sent_and_received(nexio: FakeNexio) -> None:
    nexio.statuses = ("completed",)
    code, out, err = compare("--json")
    assert code == 0
    found = simplejson.loads(out, use_decimal=True)
    assert set(found) >= KEYS
    assert found["state"] == "completed"
    assert found["request"] == nexio.recorded_submits[0].json
    assert found["response"]["run_id"] == found["run_id"] == next(iter(nexio.runs))
    assert (found["nexio_status"], found["environment"]) == ("completed", "test")
    for solution in found["solutions"]:
        assert set(solution) >= SOLUTION
        assert all(set(line) >= LINE for line in solution["lines"])
        total = sum(line["line_premium_annual"] for line in solution["lines"])
        assert solution["est_cost_low"] == total
    assert "Accepted as run_id" in err
    assert Run.objects.get().started_by is None


def test_degraded_exits_0_and_the_table_is_ranked(nexio: FakeNexio) -> None:
    nexio.statuses = ("degraded",)
    make_user("maya", "broker")
    code, out, _ = compare("--owner", "maya", name="mixed_offerings.json")
    assert code == 0
    assert out.index("   1  recommended") < out.index("   2  best value")
    assert "$" in out
    run = Run.objects.get()
    assert run.started_by
    assert run.insured.owner == run.started_by


def test_failed_exits_1_with_nexios_message(nexio: FakeNexio) -> None:
    nexio.statuses = ("failed",)
    code, out, _ = compare("--json")
    found = simplejson.loads(out)
    assert (code, found["state"], found["error"]) == (1, "failed", "No scorecard.")
    assert found["error_details"] == {"stage": "EVALUATE"}


@pytest.mark.parametrize(
    ("answer", "state", "error"),
    [
        (status(400, {"code": "c", "message": "No state."}), "rejected", "No state."),
        (reset(), "submit_unknown", "The connection broke before Nexio answered"),
    ],
)
def test_refused_or_lost_exits_1(nexio: FakeNexio, answer: Any, state: str, error: str) -> None:
    nexio.on_submit(answer)
    code, out, _ = compare("--json")
    found = simplejson.loads(out)
    assert (code, found["state"]) == (1, state)
    assert error in found["error"]
    assert found["solutions"] == []


def test_time_out_exits_3_and_prints_the_run_as_it_stands(nexio: FakeNexio) -> None:
    code, out, err = compare("--json", "--timeout", "0.3")
    found = simplejson.loads(out)
    assert (code, found["state"]) == (3, "waiting")
    assert f"show_run {Run.objects.get().pk}" in err


def test_a_worker_finds_nothing_to_do_between_starting_and_watching(
    nexio: FakeNexio, monkeypatch: pytest.MonkeyPatch
) -> None:
    nexio.statuses = ("completed",)
    taken: list[Run] = []
    watch = watching.watch_runs

    def after_a_workers_look(**how: Any) -> None:
        service = claims.service_at(nexio.url, "nx_test_watched")
        taken.extend(
            claims.claim_due(service=service, lease="a-worker", now=timezone.now(), limit=5)
        )
        watch(**how)

    monkeypatch.setattr(watching, "watch_runs", after_a_workers_look)
    code, _, err = compare("--timeout", "20")
    assert (code, taken) == (0, [])
    assert "Accepted as run_id" in err
    assert len(nexio.recorded_submits) == 1


def test_no_wait_leaves_the_run_to_a_worker_and_show_run_prints_it(nexio: FakeNexio) -> None:
    code, out, _ = compare("--no-wait")
    run = Run.objects.get(pk=out.strip())
    assert (code, run.state, nexio.requests) == (0, "queued", [])
    shown = StringIO()
    call_command("show_run", str(run.pk), "--json", stdout=shown)
    assert simplejson.loads(shown.getvalue())["state"] == "queued"
    with Watching(nexio):
        until_state(run, "completed")
    shown = StringIO()
    call_command("show_run", str(run.pk), "--json", stdout=shown)
    found = simplejson.loads(shown.getvalue())
    assert set(found) >= KEYS
    assert found["state"] == "completed"
    assert found["solutions"]
    plain = StringIO()
    call_command("show_run", str(run.pk), stdout=plain)
    assert "Accepted as run_id" in plain.getvalue()


def test_what_is_not_sent_is_told(nexio: FakeNexio, tmp_path: Any) -> None:
    value = simplejson.loads((EXAMPLES / "example_input.json").read_bytes(), use_decimal=True)
    value["coverage_types"] = ["home"]
    value["applicant"]["ssn"] = "078-05-1120"
    path = tmp_path / "input.json"
    path.write_text(simplejson.dumps(value, use_decimal=True))
    _, out, err = compare("--no-wait", name=str(path))
    assert "input.applicant.ssn: taken out" in err
    assert "auto quotes will not be sent: not requested" in err
    assert "078-05-1120" not in out + err


def test_show_run_takes_either_id(nexio: FakeNexio) -> None:
    nexio.statuses = ("completed",)
    _, out, _ = compare("--json")
    described = simplejson.loads(out)
    for given in (described["id"], described["run_id"]):
        shown = StringIO()
        call_command("show_run", given, json=True, stdout=shown)
        assert simplejson.loads(shown.getvalue())["id"] == described["id"]


def test_a_database_that_was_never_migrated_says_what_to_do(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "compare", str(EXAMPLES / "home_only.json")],
        cwd=EXAMPLES.parent,
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "brokerportal.settings",
            "DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite3'}",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "manage.py migrate" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_sandbox_that_is_not_running_is_named(settings: Any) -> None:
    with FakeNexio() as fake:
        settings.NEXIO_URL = fake.url
    settings.NEXIO_IS_SANDBOX = True
    code, _, err = compare("--timeout", "0.5")
    assert code == 3
    assert f"no sandbox answers at {settings.NEXIO_URL}" in err
    assert Run.objects.get().state == "queued"
