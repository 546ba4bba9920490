"""What a server process holds for its whole life, kept out of the garbage collector's way.

A full collection walks every object there is. Some hundred thousand of them are the code,
settings, models and addresses that were loaded once and stay; walking those in the middle of a
request cost as much as building a page of 200 packages does.
"""

from __future__ import annotations

import gc

from django.urls import get_resolver

YOUNG = 5_000
"""Objects made and not freed before the young ones are looked through. Python's own 700 come
together a hundred times on a page of packages, nearly all of which is freed by counting, at the
end of it; looking through them was a twentieth of such a page. Of 20,000 at once some single page
would wait 8 ms more."""


def settle() -> None:
    """Load every view, then set aside what is loaded by now, for good.

    To be called once a process, after `django.setup` and before the first request. What is made
    later is collected as ever.
    """
    get_resolver().check()  # walks the addresses, which imports the views
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
