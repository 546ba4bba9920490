"""Run pages left open: what they cost the web processes, and when they show a run's end.

`python -m bench.open_pages` runs the app's web server as `make run` does, our watcher, and a Nexio
of its own. Hundreds of simulated pages, each with its own session, do what htmx would: they read
`hx-trigger`, wait, and ask `hx-get`.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import aiohttp
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.urls import reverse

from bench import timing
from bench.sizes import p95
from bench.watching import seeding, stage
from bench.watching.ideal import Ideal
from bench.watching.seeding import Seeded
from quotes.models import User

ASKS = re.compile(r'hx-get="([^"]+)" hx-trigger="load delay:([0-9.]+)s')
WARM_UP = 25.0
"""Seconds until every page was opened and has asked once or twice."""


@dataclass
class Pages:
    """What the open pages saw: requests with their seconds, and each run's end as it was shown."""

    requests: list[tuple[float, float]] = field(default_factory=list)
    shown: dict[str, float] = field(default_factory=dict)

    async def keep_open(self, web: aiohttp.ClientSession, run: Seeded, cookie: str) -> None:
        headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}"}
        answer, _ = await self._ask(web, reverse("quotes:run_detail", args=[run.pk]), headers)
        while found := ASKS.search(answer):
            await asyncio.sleep(float(found[2]))
            address = html.unescape(found[1])
            answer, target = await self._ask(web, address, headers | {"HX-Request": "true"})
            if target == "#run":
                self.shown[run.nexio_run_id] = time.time()

    async def _ask(
        self, web: aiohttp.ClientSession, path: str, headers: dict[str, str]
    ) -> tuple[str, str]:
        began = time.time()
        async with web.get(path, headers=headers) as response:
            text = await response.text()
            response.raise_for_status()
        self.requests.append((began, time.time() - began))
        return text, response.headers.get("HX-Retarget", "")


async def open_all(address: str, runs: list[Seeded], cookies: list[str], ends: float) -> Pages:
    """Open a page for each run, spread over some seconds, and keep them open until then."""
    pages = Pages()
    async with aiohttp.ClientSession(address) as web:
        tasks = []
        for run, cookie in zip(runs, cookies, strict=True):
            tasks.append(asyncio.create_task(pages.keep_open(web, run, cookie)))
            await asyncio.sleep(10 / len(runs))
        await asyncio.wait(tasks, timeout=ends - time.time())
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome
    return pages


def signed_in(user: User, count: int) -> list[str]:
    """So many sessions of a person, as signing in would make them; their cookies."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    cookies = []
    for _ in range(count):
        session = store()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        cookies.append(session.session_key)
    return cookies


@contextmanager
def web_server() -> Iterator[tuple[str, int]]:
    """The app's web server as `make run` starts it; its address and its main process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(  # noqa: S603
        [
            sys.executable, "-m", "gunicorn", "brokerportal.wsgi", "--bind", f"127.0.0.1:{port}",
            "--threads", str(settings.WEB_THREADS), "--log-level", "warning",
        ],
        env=os.environ | stage.environment(),
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}", server.pid
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def cpu_of(main: int) -> float:
    """Seconds of processor time that a process and its children have used so far."""
    ticks = 0
    children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    for pid in [str(main), *children]:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def _sampled(main: int, begins: float, ends: float) -> float:
    await asyncio.sleep(max(begins - time.time(), 0))
    before = cpu_of(main)
    await asyncio.sleep(max(ends - time.time(), 0))
    return cpu_of(main) - before


def measure(options: argparse.Namespace, count: int) -> dict[str, Any]:
    """What `count` open pages cost, and when they show an end."""
    ideal = Ideal(options.reply)
    with timing.test_database():
        like = seeding.template()
        cookies = signed_in(User.objects.get(username="bench"), count)
        with (
            stage.nexio(like.request, options.reply),
            tempfile.TemporaryDirectory() as folder,
            web_server() as (address, main),
        ):
            now = time.time() + 10
            last = now + WARM_UP + options.seconds + 5
            runs = seeding.lives(count, 600, 600, now=now, seconds=0, ideal=ideal)[:count]
            cookies = cookies[: len(runs)]
            seeding.put(runs, like, now=now)
            diary = Path(folder) / "diary"
            watching = stage.start("ours", diary, last)
            time.sleep(max(now - time.time(), 0))

            async def watch() -> tuple[Pages, float]:
                begins = now + WARM_UP
                return await asyncio.gather(
                    open_all(address, runs, cookies, last),
                    _sampled(main, begins, begins + options.seconds),
                )

            pages, cpu = asyncio.run(watch())
            watching.wait(60)
            lines = [json.loads(line) for line in diary.read_text().splitlines()]
    known = {line["run"]: line["at"] for line in lines if "run" in line}
    return _judged(options, len(runs), pages, cpu, known, now + WARM_UP)


def _judged(
    options: argparse.Namespace, count: int, pages: Pages, cpu: float, known: dict[str, float],
    begins: float,
) -> dict[str, Any]:  # fmt: skip
    ends = begins + options.seconds
    asked = [took for at, took in pages.requests if begins <= at <= ends]
    waited = [
        at - known[run] for run, at in pages.shown.items() if run in known and begins <= at <= ends
    ]
    slowest = p95(waited)
    found = {
        "pages": count,
        "seconds": options.seconds,
        "requests_per_page_and_minute": round(len(asked) / count / options.seconds * 60, 2),
        "cpu_share": round(cpu / options.seconds, 3),
        "cpu_ms_per_request": round(cpu / len(asked) * 1000, 2),
        "answer_p95": round(p95(asked), 3),
        "ends_shown": len(waited),
        "shown_after_p50": round(statistics.median(waited), 2),
        "shown_after_p95": round(slowest, 2),
        "shown_after_most": round(max(waited), 2),
    }
    print(f"{count} open pages on runs of ten minutes, {options.seconds:g} s")
    print(
        f"  {found['requests_per_page_and_minute']} requests a page and minute, "
        f"{found['cpu_ms_per_request']} ms of the web processes each: "
        f"{found['cpu_share']:.1%} of a core"
    )
    print(
        f"  An end is shown {found['shown_after_p50']} s (median), {found['shown_after_p95']} s "
        f"(p95), {found['shown_after_most']} s (most of {len(waited)}) after the database knows it"
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.open_pages", description=__doc__)
    parser.add_argument(
        "--pages", type=int, nargs="+", default=[75, 150, 300, 600], help="(75 150 300 600)"
    )
    parser.add_argument("--seconds", type=float, default=90, help="measured (90)")
    parser.add_argument("--reply", type=float, default=0.05, help="seconds of Nexio's reply (0.05)")
    parser.add_argument("--folder", type=Path, help="write the figures here as JSON")
    options = parser.parse_args()
    report = {"open": [measure(options, count) for count in options.pages]}
    if options.folder:
        timing.keep(options.folder, "open_pages", report)


if __name__ == "__main__":
    main()
