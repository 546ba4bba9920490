"""Many submissions started at once: when the last of them has reached Nexio."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from bench import timing
from bench.watching import seeding, stage
from quotes.models import NexioService, Run, RunEvent, RunState

LONGEST = 90.0
NO_LIMIT = "no limit"
LIMIT = 60.0
"""Submissions a second that the loopback Nexio takes in the second measurement."""


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """All sizes without a limit, and the largest but one with a Nexio that answers 429 above 60 a
    second."""
    print("Submissions started at once")
    limited = sorted(options.burst)[-2:][0]
    found = []
    for count, name, limit in (
        *((count, NO_LIMIT, 1e9) for count in options.burst),
        (limited, f"429 above {LIMIT:.0f}/s", LIMIT),
    ):
        one = {"count": count, "limit": name, **_burst(count, limit, options.reply)}
        found.append(one)
        print(
            f"  {count:>5,}  {name:<18}{one['all_accepted_after']:>7.1f} s until all were accepted,"
            f"{one['posts']:>6} POSTs,{one['throttled']:>5} told to wait,"
            f"{one['lost']:>3} lost,{one['twice']:>3} accepted twice,"
            f"{one['cpu_ms_per_run']:>6.1f} ms a run"
        )
    return found


def _burst(count: int, limit: float, reply: float) -> dict[str, Any]:
    with timing.test_database():
        like = seeding.template()
        with stage.nexio(like.request, reply, limit) as url, tempfile.TemporaryDirectory() as place:
            diary = Path(place) / "diary"
            Run.objects.filter(pk=like.pk).update(due_at=None)
            watching = stage.start("ours", diary, time.time() + LONGEST)
            while not NexioService.objects.exists():  # it has begun to look
                time.sleep(0.1)
            time.sleep(1)
            cpu_before = stage.last_sample(diary)["cpu"]
            like.due_at = like.created_at = timezone.now()
            with transaction.atomic():
                seeding.queue(count, like)
            began = timezone.now()  # all of them are there from this moment on
            sent = Run.objects.filter(service_url=settings.NEXIO_URL, number__gt=1)
            waiting = sent.filter(state__in=[RunState.WAITING, RunState.COMPLETED])
            ends = time.time() + LONGEST - 10
            while waiting.count() < count and time.time() < ends:
                time.sleep(0.25)
            time.sleep(1.1)
            cpu = stage.last_sample(diary)["cpu"] - cpu_before
            accepted = list(sent.values_list("nexio_run_id", "submitted_at"))
            throttled = RunEvent.objects.filter(kind="throttled").count()
            watching.terminate()
            watching.wait(30)
            posts = [line for line in stage.journal(url) if line[0] == "POST"]
    ids = {run_id for run_id, _ in accepted if run_id}
    taken = [line[1] for line in posts if line[3] == 202]
    return {
        "all_accepted_after": round(
            max((at - began).total_seconds() for _, at in accepted if at), 2
        ),
        "posts": len(posts),
        "throttled": throttled,
        "lost": count - len(ids),
        "twice": len(taken) - len(ids),
        "cpu_ms_per_run": round(cpu / count * 1000, 2),
    }
