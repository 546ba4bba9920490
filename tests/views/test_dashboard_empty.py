"""The dashboard's page where there is nothing to count."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.views.pages import signed_in

pytestmark = pytest.mark.django_db
URL = reverse("quotes:dashboard")


def test_nothing_says_what_to_do(people):
    client = signed_in(people["manager"])
    page = client.get(URL).content.decode()
    assert "No runs yet" in page
    assert reverse("quotes:insured_list") in page
    assert '<svg class="trend"' not in page
