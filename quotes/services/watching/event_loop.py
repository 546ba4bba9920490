"""The event loop that a watcher runs in."""

from __future__ import annotations

import asyncio

try:
    import uvloop
except ImportError:  # it is not made for Windows
    uvloop = None  # type: ignore[assignment]


def event_loop() -> asyncio.AbstractEventLoop:
    """uvloop's, which takes less of the processor for each poll; Python's where there is none."""
    return asyncio.new_event_loop() if uvloop is None else uvloop.new_event_loop()
