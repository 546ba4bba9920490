"""What no worker can beat: an asyncio loop that only asks. `python -m bench.watching.bare`.

Over the same transport and by the same schedule, but the runs stand in memory: nothing is stored,
nobody else shares the work, and when the process dies all is lost.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from pathlib import Path

from django.conf import settings

from bench.watching.process import Diary
from quotes.nexio.client import NexioClient
from quotes.services.schedule import next_poll_in


async def follow(client: NexioClient, diary: Diary, pk: uuid.UUID, run: list[str | float]) -> None:
    """Ask for one run until it has ended."""
    run_id, due, polls = str(run[0]), float(run[1]), int(run[2])
    while True:
        await asyncio.sleep(max(due - time.time(), 0))
        reply = await client.fetch(run_id)
        polls += 1
        if reply.message.is_terminal:
            diary.knows(run_id)
            return
        due = time.time() + next_poll_in(polls, pk).total_seconds()


async def follow_all(diary: Diary, runs: dict[str, list[str | float]], ends: float) -> None:
    async with NexioClient(settings.NEXIO_URL, settings.NEXIO_KEY, max_connections=128) as client:
        following = [
            asyncio.create_task(follow(client, diary, uuid.UUID(pk), run))
            for pk, run in runs.items()
        ]
        await asyncio.wait(following, timeout=ends - time.time())
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)


def main() -> None:
    """Arguments: the diary's path, when to stop, and a file with the runs."""
    diary = Diary(Path(sys.argv[1]))
    diary.count_polls()
    runs = json.loads(Path(sys.argv[3]).read_text())
    asyncio.run(follow_all(diary, runs, float(sys.argv[2])))


if __name__ == "__main__":
    main()
