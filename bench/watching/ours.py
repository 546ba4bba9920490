"""Our watcher in a process of its own, as the worker runs it: `python -m bench.watching.ours`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.watching.process import Diary, until
from quotes.models import Run
from quotes.services import answers
from quotes.services.answers import Answer
from quotes.services.watching import watch_runs


def main() -> None:
    """Arguments: the diary's path, and when to stop, in seconds since the epoch."""
    diary = Diary(Path(sys.argv[1]))
    diary.count_polls()
    usual = answers.store

    def store(given: Sequence[Answer], **rest: Any) -> list[Run]:
        moved = usual(given, **rest)
        for each in given:
            if each.ends:
                diary.knows(each.run.nexio_run_id)  # its transaction has committed
        return moved

    answers.store = store  # type: ignore[assignment]
    watch_runs(stop=until(float(sys.argv[2])))


if __name__ == "__main__":
    main()
