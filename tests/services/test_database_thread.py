"""The watcher's one database thread: outcomes in their order, looks before them."""

from __future__ import annotations

import asyncio
import threading

from quotes.services.watching.database import DatabaseThread


def test_a_look_does_not_wait_for_all_the_outcomes_that_came_before_it() -> None:
    """Else, when hundreds of runs end together, no sign of life is written and the worker is
    taken for frozen."""
    done: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def outcome(number: int) -> None:
        begun.set()
        assert go_on.wait(10)
        done.append(f"outcome {number}")

    async def work() -> None:
        async with DatabaseThread() as db:
            outcomes = [asyncio.create_task(db(outcome, number)) for number in range(50)]
            assert await asyncio.to_thread(begun.wait, 10)
            look = asyncio.create_task(db.first(done.append, "look"))
            await asyncio.sleep(0)
            go_on.set()
            await asyncio.gather(look, *outcomes)

    asyncio.run(work())
    # The one that ran and the one that was next to run were before it.
    assert done.index("look") <= 2
    assert [each for each in done if each != "look"] == [f"outcome {n}" for n in range(50)]
