"""Our watcher in a process of its own, as the worker runs it: `python -m bench.watching.ours`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from bench.watching.process import Diary, until
from quotes.services import outcomes
from quotes.services.watching import watch_runs


def main() -> None:
    """Arguments: the diary's path, and when to stop, in seconds since the epoch."""
    diary = Diary(Path(sys.argv[1]))
    diary.count_polls()
    usual = outcomes.poll_answered

    def poll_answered(run: Any, reply: Any, **rest: Any) -> None:
        usual(run, reply, **rest)
        if reply.message.is_terminal:
            diary.knows(run.nexio_run_id)  # its transaction has committed

    outcomes.poll_answered = poll_answered  # type: ignore[assignment]
    watch_runs(stop=until(float(sys.argv[2])))


if __name__ == "__main__":
    main()
