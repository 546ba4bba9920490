"""However deep a page's loop stands, its calls ask the system for no memory one by one."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils.module_loading import import_string

CALLS = 500
DEEP = 120
FAULTS_ARE_COUNTED = hasattr(resource, "RUSAGE_THREAD")


def _faults() -> int:
    """How often this thread was given a page of memory that it had not written to."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt


def _nothing() -> None:
    pass


# Its frame is larger than the steps by which the loop goes deeper: some depth is just too full.
_nothing.__code__ = _nothing.__code__.replace(co_stacksize=100)


def _loop() -> int:
    """Pages of memory that a loop of calls took."""
    before = _faults()
    for _ in range(CALLS):
        _nothing()
    return _faults() - before


def _below(depth: int, call: Callable[[], int]) -> int:
    return _below(depth - 1, call) if depth else call()


def _worst() -> int:
    """The same of a loop at each depth of more than a chunk's frames, the most of them."""
    return max(_below(depth, _loop) for depth in range(DEEP))


@pytest.mark.skipif(not FAULTS_ARE_COUNTED, reason="faults by thread are counted on Linux alone")
def test_no_depth_of_a_request_is_dear(rf: RequestFactory) -> None:
    taken: list[int] = []

    def page(_: HttpRequest) -> HttpResponse:
        taken.append(_worst())
        return HttpResponse()

    outermost = import_string(settings.MIDDLEWARE[0])
    outermost(page)(rf.get("/"))
    assert taken[0] < CALLS / 10


@pytest.mark.skipif(
    not FAULTS_ARE_COUNTED or sys.version_info >= (3, 13), reason="Python mended it in 3.13"
)
def test_without_room_some_depth_is() -> None:
    """What the room is for: a Python where this fails needs none."""
    assert _worst() >= CALLS
