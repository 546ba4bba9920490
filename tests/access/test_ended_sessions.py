"""After the session ended: the way to the door, and back to where the person was."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from tests.access.world import address, enrolled_world

pytestmark = pytest.mark.django_db
world = enrolled_world


class TestAfterTheSessionEnded:
    """The way back leads to the page the person was on."""

    def test_htmx_sends_the_whole_page_to_sign_in(self, world):
        for name in ("quotes:quote_edit", "quotes:insured_list"):
            page = reverse("quotes:insured_edit", kwargs={"pk": world["insured"].pk})
            response = Client().post(
                address(name, world),
                headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver{page}?a=1"},
            )
            assert response["HX-Redirect"] == f"/sign-in/?next={quote(page + '?a=1', safe='')}"
            assert not response.content

    def test_a_fragment_that_refreshes_itself_does_too(self, world):
        for name in ("quotes:run_status", "quotes:worklist"):
            response = Client().get(address(name, world), headers={"HX-Request": "true"})
            assert urlsplit(response["HX-Redirect"]).path == "/sign-in/"
            assert not response.content

    def test_a_form_row_asked_for_says_so_and_gives_no_row(self, world):
        response = Client().post(
            address("quotes:insured_form_row", world),
            {"drivers-0-name": "Typed Before"},
            headers={"HX-Request": "true"},
        )
        page = response.content.decode()
        assert "You are signed out" in page
        assert "<input" not in page

    def test_a_posted_form_comes_back_to_its_page(self, world):
        page = reverse("quotes:insured_detail", kwargs={"pk": world["insured"].pk})
        start = reverse("quotes:run_start", kwargs={"pk": world["insured"].pk})
        response = Client().post(start, headers={"Referer": f"http://testserver{page}"})
        assert response["Location"] == f"/sign-in/?next={quote(page, safe='')}"

    @pytest.mark.parametrize(
        "page", ["https://evil.example/x", "//evil.example", "", "javascript:x"]
    )
    def test_and_never_to_another_site(self, world, page):
        start = reverse("quotes:run_start", kwargs={"pk": world["insured"].pk})
        for headers in (
            {"Referer": page},
            {"HX-Request": "true", "HX-Current-URL": page},
        ):
            response = Client().post(start, headers=headers)
            where = response.headers.get("HX-Redirect") or response.headers["Location"]
            assert where == "/sign-in/?next=%2F"
