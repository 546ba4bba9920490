"""An address that takes forms only, opened as a page: by Enter in its bar, or a restored tab."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from quotes.models import User
from tests.views.pages import signed_in

PK = UUID(int=0x5EED)
ABOVE = [
    ("view_save", {}, "/runs/"),
    ("run_revisit", {"pk": PK}, f"/runs/{PK}/"),
    ("insured_hold", {"pk": PK}, f"/insureds/{PK}/"),
    ("operations_act", {"pk": PK, "code": "link"}, f"/operations/runs/{PK}/"),
    ("review_settle", {"pk": PK, "act": "refuse"}, ""),
]


@pytest.mark.parametrize(("name", "named", "back"), ABOVE)
def test_there_is_a_way_back(people: dict[str, User], name: str, named: Any, back: str) -> None:
    page = signed_in(people["admin"]).get(reverse(f"quotes:{name}", kwargs=named))
    assert (page.status_code, page["Allow"]) == (405, "POST")
    shown = page.content.decode()
    assert "There is no page at this address" in shown
    assert (f'href="{back}">Go back' in shown) == bool(back)
    assert ("Go back" in shown) == bool(back)
    assert f'href="{reverse("quotes:worklist")}">Go to the worklist' in shown


def test_htmx_and_head_get_no_page(people: dict[str, User]) -> None:
    client, address = signed_in(people["admin"]), reverse("quotes:view_save")
    assert client.head(address).status_code == 405
    by_htmx = client.get(address, headers={"HX-Request": "true"})
    assert (by_htmx.status_code, by_htmx.content) == (405, b"")


def test_whoever_is_not_signed_in_is_sent_to_the_door(db: None) -> None:
    answer = Client().get(reverse("quotes:view_save"))
    assert (answer.status_code, answer["Location"][:9]) == (302, "/sign-in/")
