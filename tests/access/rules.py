"""Who asks, by which method, and the ways an address may answer them."""

from __future__ import annotations

from typing import Any

# Ways an address may answer.
SHOWN = frozenset({200})
TAKEN = frozenset({200, 302, 409, 422})  # Let in; what was posted here is empty, hence 422.
MOVED = frozenset({302})
BARRED = frozenset({403})
ABSENT = frozenset({404})
NO_METHOD = frozenset({405})
DOOR = frozenset({-1})  # Sent to sign in.
SET_UP = frozenset({-2})  # Sent to set up a second factor; a POST is refused and says so.

NOBODY = ("anonymous", "inactive")
SIGNED_IN = ("broker", "colleague", "other", "manager", "elsewhere", "admin", "roleless")
WITHOUT = "bare"
"""An administrator without a second factor, while the policy requires one."""
EVERYBODY = (*NOBODY, *SIGNED_IN, WITHOUT)
OTHER_METHODS = ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
"""Nothing answers them, whoever asks."""

Rule = dict[str, frozenset[int]]


def rule(everybody: frozenset[int], **exceptions: frozenset[int]) -> Rule:
    """The answer everybody signed in gets, with exceptions; others are sent to sign in.

    Whom the insured is shared with (`colleague`) gets what its broker gets, and a manager of
    another office (`elsewhere`) what everybody gets, unless something else is said.
    """
    shared = exceptions.get("broker", everybody)
    return {
        **dict.fromkeys(NOBODY, DOOR),
        **dict.fromkeys(SIGNED_IN, everybody),
        WITHOUT: SET_UP,
        "colleague": shared,
        **exceptions,
    }


def open_to_all(answer: frozenset[int], **exceptions: frozenset[int]) -> Rule:
    """The same answer for everybody, signed in or not."""
    return {**dict.fromkeys((*NOBODY, *SIGNED_IN), answer), WITHOUT: SET_UP, **exceptions}


READ = rule(ABSENT, broker=SHOWN, manager=SHOWN, admin=SHOWN)
OVERSEEN = rule(ABSENT, manager=SHOWN, admin=SHOWN)
CHANGE_PAGE = rule(ABSENT, broker=SHOWN)
CHANGE = rule(ABSENT, broker=TAKEN)
BROKERS_PAGE = rule(BARRED, broker=SHOWN, other=SHOWN)
BROKERS_POST = rule(BARRED, broker=TAKEN, other=TAKEN)
NOT_SO = rule(NO_METHOD)
SIGN_OUT = rule(SHOWN, anonymous=MOVED, inactive=MOVED, bare=SHOWN)
SIGN_OUT_POST = rule(MOVED, anonymous=MOVED, inactive=MOVED, bare=MOVED)
OPEN = open_to_all(SHOWN, bare=SHOWN)
# The fragment sees to signing in by itself, so that it can tell htmx which page to come back to.
NOT_SO_OPEN = open_to_all(NO_METHOD)
# A script asks and stays on its page: it is told that the session ended, and what is no cell.
SIGNED_OUT = dict.fromkeys(NOBODY, frozenset({401}))
CELLS_PAGE = {**rule(ABSENT, broker=SHOWN), **SIGNED_OUT}
CELLS = {**rule(ABSENT, broker=frozenset({400})), **SIGNED_OUT}


def answered(response: Any, allowed: frozenset[int], method: str = "GET") -> bool:
    """Whether the response is one of the ways that are allowed."""
    where = response.headers.get("Location", "")
    to_the_door = "/sign-in/?next=" in where
    to_set_up = where.startswith("/account/second-factor/?next=")
    if allowed == SET_UP:
        if method == "POST":
            return bool(response.status_code == 403 and b"second factor" in body_of(response))
        return bool(response.status_code == 302 and to_set_up)
    if allowed == DOOR:
        return bool(response.status_code == 302 and to_the_door)
    return bool(response.status_code in allowed) and not to_the_door and not to_set_up


def body_of(response: Any) -> bytes:
    """The whole body; of a download that is sent in pieces as well."""
    if response.streaming:
        return b"".join(response.streaming_content)
    return bytes(response.content)
