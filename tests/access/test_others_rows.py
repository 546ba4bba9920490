"""What is another's looks as if it were not there."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from tests.access.world import address, browser_of, enrolled_world

pytestmark = pytest.mark.django_db
world = enrolled_world


def test_another_brokers_row_looks_like_one_that_does_not_exist(world):
    browser = browser_of("other")
    theirs = browser.get(reverse("quotes:insured_detail", kwargs={"pk": world["insured"].pk}))
    none = browser.get(reverse("quotes:insured_detail", kwargs={"pk": world["run"].pk}))
    assert (theirs.status_code, none.status_code) == (404, 404)

    def body(response: Any) -> str:
        return str(response.content.decode()).split("<main")[1]

    assert body(theirs) == body(none)


@pytest.mark.parametrize(
    "name", ["quotes:worklist", "quotes:insured_list", "quotes:run_list", "quotes:run_search"]
)
@pytest.mark.parametrize("who", ["other", "roleless"])
def test_lists_and_searches_show_nothing_of_another_broker(name, who, world):
    browser = browser_of(who)
    searched = world["insured"].applicant_name
    browser.post(reverse("quotes:insured_search"), {"q": searched})
    browser.post(reverse("quotes:run_search"), {"text": searched})
    response = browser.get(address(name, world).replace("search/", ""))
    page = response.content.decode()
    assert response.status_code == 200
    for hidden in (str(world["insured"].pk), str(world["run"].pk), str(world["quote"].pk)):
        assert hidden not in page
