"""The watcher: one asyncio loop that serves every run of its worker process.

`loop` looks for due rows and serves them concurrently; `sending` has one submission out, from the
commit before its first byte to the writing of its outcome; `answered` writes what answers bring,
and `unchanged`, at the next look, polls that brought nothing new;
`refused_key` asks whether a refused key works again;
`database` is the thread that all of it writes through.
"""

from quotes.services.watching.clock import Clock, WallClock
from quotes.services.watching.loop import Watcher, watch_runs

__all__ = ["Clock", "WallClock", "Watcher", "watch_runs"]
