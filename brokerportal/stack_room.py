"""Room for the frames of a request in one piece.

Python 3.11 and 3.12 keep the frames of calls in chunks of 16 kB, some hundred frames each. A call
that begins a chunk asks the system for it and gives it back when it returns. Where a loop stands
just below such a border, each of its calls does so: the rows of a page of packages took 10 ms
there, and 3 ms a few calls higher or lower (https://github.com/python/cpython/issues/142183, mended
in 3.13 and 3.14). How deep a page's loop stands is made of the server, the middleware and the
template, so that any change of these may put it there.

A function that asks for more than a chunk holds is given a larger one, and what is called within
it uses the rest. Pages that nothing is written to are never made: of what is asked for, what is
used costs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.http import HttpRequest, HttpResponse

P = ParamSpec("P")
R = TypeVar("R")

SLOTS = 31_800
"""Places of 8 bytes that a function with room says it needs: with what Python adds, just more than
256 kB. It is given 512, and of these what it does not use, more than 256 kB, is left for a
thousand frames."""


def with_room(call: Callable[P, R]) -> Callable[P, R]:
    """`call`, with room for the frames of what it calls."""

    def within(*args: P.args, **kwargs: P.kwargs) -> R:
        return call(*args, **kwargs)

    within.__code__ = within.__code__.replace(co_stacksize=SLOTS)
    return wraps(call)(within)


class StackRoomMiddleware:
    """Every request has room. Stands above all others."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = with_room(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)
