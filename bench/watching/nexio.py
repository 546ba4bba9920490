"""A Nexio that costs next to nothing, in a process of its own: `python -m bench.watching.nexio`.

It keeps no runs. A run's id says when it began and when it ends (`Life`), so that a poll's answer
follows from the clock. Every request is put down in a journal, which GET /journal hands over and
empties. POSTs are accepted at no more than `--submits` a second; the others get a 429.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

JOBS = "/api/v1/jobs"


@dataclass(frozen=True)
class Life:
    """When a run begins and ends, in seconds since the epoch."""

    begins: float
    ends: float

    def run_id(self) -> str:
        return f"{uuid.uuid4().hex}-{self.begins * 1000:.0f}-{self.ends * 1000:.0f}"

    @classmethod
    def of(cls, run_id: str) -> Life:
        _, begins, ends = run_id.split("-")
        return cls(int(begins) / 1000, int(ends) / 1000)

    def stage(self, now: float) -> str | None:
        """None while it is queued, which is its first second."""
        if now < self.begins + 1:
            return None
        return "FILTER" if now < self.begins + (self.ends - self.begins) / 4 else "EVALUATE"


class Nexio:
    """`reply` is the seconds every answer takes, `solutions` the JSON of a finished run's."""

    def __init__(self, *, reply: float, submits: float, solutions: bytes) -> None:
        self.reply = reply
        self.submits = submits
        self.solutions = solutions
        self.journal: list[tuple[str, str, float, int]] = []
        self._accepted: list[float] = []

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        arrived = time.time()
        if request.path == "/journal":
            journal, self.journal = self.journal, []
            return web.Response(body=json.dumps(journal).encode())
        if request.method == "POST":
            await request.read()
            status, run_id, body = self._submitted(arrived)
        else:
            run_id = request.path.rpartition("/")[2]
            status, body = 200, self._progress(run_id, arrived)
        self.journal.append((request.method, run_id, arrived, status))
        await asyncio.sleep(self.reply)
        headers = {"Retry-After": "1"} if status == 429 else None
        return web.Response(
            body=body, status=status, content_type="application/json", headers=headers
        )

    def _submitted(self, now: float) -> tuple[int, str, bytes]:
        self._accepted = [at for at in self._accepted if at > now - 1]
        if len(self._accepted) >= self.submits:
            return 429, "", b'{"code": "rate_limited", "message": "Slowly."}'
        self._accepted.append(now)
        run_id = Life(now, now + 30).run_id()
        return 202, run_id, json.dumps({"run_id": run_id, "status": "queued"}).encode()

    def _progress(self, run_id: str, now: float) -> bytes:
        life = Life.of(run_id)
        head = b'{"run_id": "%s", "environment": "test", ' % run_id.encode()
        if now >= life.ends:
            return head + b'"status": "completed", ' + self.solutions[1:]
        stage = life.stage(now)
        if stage is None:
            return head + b'"status": "queued"}'
        return head + b'"status": "processing", "stage": "%s"}' % stage.encode()


async def serve(nexio: Nexio) -> None:
    runner = web.ServerRunner(web.Server(nexio.answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=2048)
    await site.start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    await asyncio.Event().wait()


def solutions_of(request: dict[str, Any]) -> bytes:
    """Three packages made of a request's offerings, as the end of a reply."""
    lines: dict[str, list[dict[str, Any]]] = {}
    for offering in request["offerings"]:
        lines.setdefault(offering["category"], []).append(offering)
    packages = []
    for rank in (1, 2, 3):
        chosen = [options[rank % len(options)] for options in lines.values()]
        cost = sum(int(each["attributes"]["line_premium_annual"]) for each in chosen)
        packages.append(
            {
                "rank": rank, "cluster_label": "best_value", "provider_count": len(chosen),
                "est_cost_low": cost, "est_cost_high": cost,
                "scorecard": {"overall_level": 4 - rank / 2, "coverage": {"level": 3}},
                "offerings": chosen,
            }
        )  # fmt: skip
    output = {"solutions_count": len(packages)}
    return json.dumps({"output": output, "solutions": packages}, default=str).encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reply", type=float, default=0.05)
    parser.add_argument("--submits", type=float, default=1e9)
    parser.add_argument("--solutions", type=Path, required=True)
    options = parser.parse_args()
    nexio = Nexio(
        reply=options.reply, submits=options.submits, solutions=options.solutions.read_bytes()
    )
    asyncio.run(serve(nexio))


if __name__ == "__main__":
    main()
