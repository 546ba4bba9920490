"""The header's badge: whom the app talks to."""

from __future__ import annotations

import pytest

from quotes.models import NexioService
from tests.views.pages import signed_in, words

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("key", "replied", "label", "kind"),
    [
        ("nx_live_abcdefgh", "", "Nexio live", "live"),
        ("nx_live_abcdefgh", "live", "Nexio live", "live"),
        ("nx_live_abcdefgh", "test", "Nexio live (replies say test)", "live"),
        ("nx_test_abcdefgh", "sandbox", "Nexio test (replies say sandbox)", "test"),
        ("nx_eu-1_abcdefgh", "", "Nexio eu-1", "other"),
        ("other-form-of-key", "test", "Nexio test", "test"),
        ("other-form-of-key", "", "Nexio unknown", "other"),
    ],
)
def test_the_key_names_the_environment_first(
    people, settings, key: str, replied: str, label: str, kind: str
):
    settings.NEXIO_IS_SANDBOX, settings.NEXIO_KEY = False, key
    NexioService.objects.create(base_url=settings.NEXIO_URL, environment=replied)
    page = signed_in(people["broker"]).get("/")
    assert f"Service: {label} " in words(page)
    assert f"service--{kind}" in page.content.decode()
