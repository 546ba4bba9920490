"""What is not somebody's looks as if it had never been: page, fragment, file, form, list, count."""

from __future__ import annotations

import uuid
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction
from django.test import Client

from tests.abuse.asking import fingerprint
from tests.access.rules import EVERYBODY, NOBODY, SHOWN, TAKEN
from tests.access.world import (
    OF,
    OURS,
    ROUTES,
    World,
    address,
    browser_of,
    enrolled_world,
)
from tests.test_access import RULES

pytestmark = pytest.mark.django_db
world = enrolled_world

ABOUT_A_ROW = [name for name in OURS if "pk" in ROUTES[name] and name != "mfa_remove_webauthn"]
SEEN_TO_BE_WRONG = frozenset({400})
"""How a sheet answers its own broker who posts nothing."""
HTMX = {"HX-Request": "true"}
ASKED: tuple[tuple[str, dict[str, str]], ...] = (
    ("GET", {}),
    ("HEAD", {}),
    ("POST", {}),
    ("GET", HTMX),
    ("POST", HTMX),
)


def never_there(world: World) -> World:
    """The same shape of world, whose ids no row has and none ever had."""
    ids = {
        key: uuid.uuid4() if isinstance(row.pk, uuid.UUID) else 10**9 + row.pk
        for key, row in world.items()
    }
    return {key: SimpleNamespace(pk=pk) for key, pk in ids.items()}


def ask(browser: Client, method: str, path: str, headers: dict[str, str]) -> Any:
    """One request, taken back."""
    with transaction.atomic():
        answer = fingerprint(browser.generic(method, path, headers=headers))
        transaction.set_rollback(True)
    return answer


def without(answer: tuple[Any, ...], *ids: Any) -> tuple[Any, ...]:
    """The answer with the ids of what was asked for taken out of the addresses in it."""
    status, headers, cookies, body = answer
    for slash in ("/", quote("/", safe="")):
        for pk in ids:
            named, none = f"{slash}{pk}{slash}", f"{slash}id{slash}"
            body = body.replace(named.encode(), none.encode())
            headers = {name: value.replace(named, none) for name, value in headers.items()}
    return status, headers, cookies, body


@pytest.mark.parametrize("name", ABOUT_A_ROW)
def test_another_s_row_answers_like_an_id_that_never_was(name, world):
    """Whoever may not have it gets the same status, headers, cookies and body in both cases, by
    every method and by htmx as well; nobody learns from an answer that there is something."""
    nowhere = never_there(world)
    key = OF.get(name.removeprefix("quotes:"), name.removeprefix("quotes:").split("_")[0])
    there, not_there = world[key].pk, nowhere[key].pk
    get, post = RULES[name]
    told = []
    for who in EVERYBODY:
        browser = browser_of(who)
        for method, headers in ASKED:
            allowed = (post if method == "POST" else get)[who]
            if allowed & (SHOWN | TAKEN | SEEN_TO_BE_WRONG) and who not in NOBODY:
                continue
            theirs = ask(browser, method, address(name, world), headers)
            none = ask(browser, method, address(name, nowhere), headers)
            ours = without(theirs, there, world["second"].pk)
            if ours != without(none, not_there, nowhere["second"].pk):
                told.append((who, method, headers, theirs[0], none[0]))
    assert not told
