"""Where the app is mounted, asked once for all the addresses that one template draws."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.urls import get_script_prefix

_known: ContextVar[str] = ContextVar("script_prefix")


@contextmanager
def known_script_prefix() -> Iterator[None]:
    """What is drawn in this block is part of one answer, and so of one mount."""
    token = _known.set(get_script_prefix())
    try:
        yield
    finally:
        _known.reset(token)


def script_prefix() -> str:
    """Django's own, which takes longer to look up than a link takes to draw."""
    try:
        return _known.get()
    except LookupError:
        return get_script_prefix()
