"""The integration guide's own sample loop, as a task of the queue that the app uses.

One task follows one run: it asks, sleeps by the guide's schedule and asks again, and so keeps a
worker of the queue for as long as the run takes. There are as many workers as the app's own queue
has. It writes the end of a run as we do; its polls are written nowhere.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.utils import timezone

from bench import timing
from bench.watching import seeding, stage
from bench.watching.ideal import Ideal
from quotes.models import Run
from quotes.services import outcomes
from quotes.services.schedule import poll_delay

DIARY = "BENCH_SAMPLE_DIARY"


def follow(pk: str) -> None:
    """The queue's task: poll one run as the guide's sample does, over plain httpx."""
    import httpx

    from quotes.nexio.client import Reply
    from quotes.nexio.messages import JobReply, decode

    run = Run.objects.get(pk=uuid.UUID(pk))
    headers = {"Authorization": f"Bearer {settings.NEXIO_KEY}"}
    polls = 0
    with httpx.Client(base_url=settings.NEXIO_URL, headers=headers, timeout=30) as client:
        while True:
            time.sleep(poll_delay(polls))
            polls += 1
            answer = client.get(f"/api/v1/jobs/{run.nexio_run_id}")
            message = JobReply.read(decode(answer.content))
            if message.is_terminal:
                break
    Run.objects.filter(pk=run.pk).update(lease_owner="sample")
    run.lease_owner = "sample"
    reply = Reply(message, answer.content, answer.status_code, 0)
    outcomes.poll_answered(run, reply, lease="sample", now=timezone.now())
    with Path(os.environ[DIARY]).open("a") as diary:
        diary.write(f"{pk} {time.time()}\n")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """So many runs begun together; what a hundred would take follows from that, and is said so."""
    workers = cast("int", settings.Q_CLUSTER["workers"])
    ideal = Ideal(options.reply)
    with timing.test_database():
        like = seeding.template()
        with stage.nexio(like.request, options.reply), tempfile.TemporaryDirectory() as folder:
            diary = Path(folder) / "diary"
            diary.touch()
            began = time.time() + 5
            runs = seeding.together(options.sample, 15, 60, begins=began, ideal=ideal)
            seeding.put(runs, like, now=began)
            cluster = _cluster(diary)
            time.sleep(max(began - time.time(), 0))
            _enqueue([str(run.pk) for run in runs])
            ends = time.time() + options.sample * 70 / workers + 60
            while len(known := _known(diary)) < len(runs) and time.time() < ends:
                time.sleep(0.25)
            cluster.terminate()
            cluster.wait(30)
    waited = [known[str(run.pk)] - began for run in runs if str(run.pk) in known]
    schedule = [ideal.sees(run.pk, run.due, 0, run.ends) - began for run in runs]
    each = statistics.mean(schedule)
    found: dict[str, Any] = {
        "runs": len(runs), "workers": workers, "finished": len(waited),
        "median": round(statistics.median(waited), 1), "longest": round(max(waited), 1),
        "schedule_median": round(statistics.median(schedule), 1),
        "schedule_longest": round(max(schedule), 1),
        "extrapolated_100_longest": round(100 * each / workers),
        "extrapolated_2000_longest": round(2000 * each / workers),
    }  # fmt: skip
    print(f"The guide's loop as a task, {workers} workers, {len(runs)} runs begun together")
    print(
        f"  {found['median']} s until half were known, {found['longest']} s until all; the "
        f"schedule alone needs {found['schedule_median']} and {found['schedule_longest']} s"
    )
    print(
        f"  Extrapolated, a run after the other on each worker: 100 runs "
        f"{found['extrapolated_100_longest'] / 60:.0f} min, 2,000 runs "
        f"{found['extrapolated_2000_longest'] / 3600:.1f} h until the last is known"
    )
    return found


def _cluster(diary: Path) -> subprocess.Popen[bytes]:
    code = "import bench, django_q.cluster as c; k = c.Cluster(); k.start(); k.sentinel.join()"
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", code],
        env=os.environ | stage.environment() | {DIARY: str(diary)},
        start_new_session=True,
    )


def _enqueue(ids: list[str]) -> None:
    from django_q.tasks import async_task

    for pk in ids:
        async_task("bench.watching.sample.follow", pk, save=False)


def _known(diary: Path) -> dict[str, float]:
    lines = (line.split() for line in diary.read_text().splitlines())
    return {pk: float(at) for pk, at in lines}
