"""Requests that no page of ours makes: fields that no form has, others' ids, lookups, addresses."""

from __future__ import annotations

import uuid

import pytest
from django.urls import reverse

from quotes.models import Insured, Run, User
from tests.access.world import browser_of, enrolled_world, stored
from tests.factories import PASSWORD
from tests.views.pages import form_values

pytestmark = pytest.mark.django_db
world = enrolled_world

NOT_OURS = ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]


def test_fields_that_no_form_has_change_nothing(world):
    browser = browser_of("broker")
    address = reverse("quotes:insured_edit", args=[world["insured"].pk])
    values = form_values(browser.get(address).content.decode())
    extra = {
        "owner": world["person"].pk, "owner_id": world["person"].pk, "sandbox": "",
        "id": str(uuid.uuid4()), "is_staff": "on", "is_superuser": "on", "created_at": "2001-01-01",
    }  # fmt: skip
    before = Insured.objects.values("pk", "owner", "created_at").get(pk=world["insured"].pk)
    count = Insured.objects.count()
    assert browser.post(address, values | extra | {"city": "Larkhaven"}).status_code == 302
    after = Insured.objects.values("pk", "owner", "created_at").get(pk=world["insured"].pk)
    assert after == before
    assert Insured.objects.count() == count
    assert not User.objects.get(username="broker").is_staff


@pytest.mark.parametrize(
    "query",
    [
        "owner__password__startswith=m", "insured__owner__password__startswith=m",
        "sort=owner__password", "order=-insured__owner__password", "page_size=100000000",
        "per_page=-1", "page=999999999999999999999", "after=x", "cursor=..%2F..",
        "broker=1%20OR%201",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["quotes:run_list", "quotes:insured_list", "quotes:worklist"])
def test_lookups_in_an_address_tell_nothing(world, name, query):
    """Whether the guess is right must not be seen: the answer is the one to a wrong guess."""
    browser = browser_of("other")
    answer = browser.get(f"{reverse(name)}?{query}")
    assert answer.status_code in (200, 302, 400, 404)
    body = b"" if answer.status_code == 302 else answer.content
    assert str(world["run"].pk).encode() not in body
    assert str(world["insured"].pk).encode() not in body


@pytest.mark.parametrize("query", ["owner__password__startswith=m", "password__startswith=m"])
@pytest.mark.parametrize("name", ["quotes_user", "quotes_run", "quotes_insured"])
def test_the_admin_takes_no_lookup_it_does_not_offer(world, name, query):
    answer = browser_of("admin").get(f"{reverse(f'admin:{name}_changelist')}?{query}")
    assert answer.status_code in (302, 400, 403)


@pytest.mark.parametrize("where", NOT_OURS)
def test_no_door_leads_to_another_host(world, where):
    """Signing in, out, confirming, and the set-up lead to our own pages only."""
    browser = browser_of("anonymous")
    signed_in = browser.post("/sign-in/", {"login": "bare", "password": PASSWORD, "next": where})
    answers = [signed_in]
    for who in ("bare", "broker"):
        browser = browser_of(who)
        answers.append(browser.get("/account/second-factor/", {"next": where}))
        answers.append(browser.get("/sign-in/", {"next": where}))
        answers.append(browser.get("/admin/login/", {"next": where}))
        headers = {"HX-Request": "true", "HX-Current-URL": where}
        answers.append(browser.get(reverse("quotes:insured_list"), headers=headers))
        answers.append(browser.post("/sign-out/", {"next": where}))
    for answer in answers:
        for header in ("Location", "HX-Redirect"):
            led = answer.headers.get(header, "/")
            assert led.startswith("/"), led
            assert not led.startswith(("//", "/\\")), led


@pytest.mark.parametrize("who", ["other", "elsewhere", "roleless"])
def test_other_people_s_ids_in_a_body_are_as_good_as_none(world, who):
    """Picks, shares, moves and comparisons by ids that stand in the form, not in the address."""
    before = stored()
    browser = browser_of(who)
    insured, quotes = world["insured"].pk, [str(row.pk) for row in world["insured"].quotes.all()]
    own = Insured.objects.filter(owner=world["person"]).first()
    assert own is not None
    for name, pk, fields in (
        ("insured_share", insured, {"colleague": world["person"].pk}),
        ("insured_unshare", insured, {"colleague": User.objects.get(username="colleague").pk}),
        ("insured_move", insured, {"to": world["person"].pk, "reason": "Mine now"}),
        ("run_start", insured, {"quotes": quotes, "coverage": ["home", "auto"]}),
        ("insured_share", own.pk, {"colleague": 10**12}),
        ("run_proposal", world["done"].pk, {"packages": ["0", "1"]}),
        ("view_open", world["view"].pk, {}),
        ("view_delete", world["view"].pk, {}),
    ):
        answer = browser.post(reverse(f"quotes:{name}", args=[pk]), fields)
        assert answer.status_code in (302, 403, 404), name
        if pk != own.pk:
            assert answer.status_code in (403, 404), name
    assert stored() == before


def test_a_comparison_takes_quotes_of_its_own_insured_only(world):
    """Another broker's quotes are not sent along, whatever the form names."""
    own = Insured.objects.get(owner=world["person"])
    theirs = [str(row.pk) for row in world["insured"].quotes.all()]
    before = Run.objects.filter(insured=own).count()
    browser_of("other").post(
        reverse("quotes:run_start", args=[own.pk]), {"quotes": theirs, "quote": theirs}
    )
    for run in Run.objects.filter(insured=own)[before:]:
        assert not any(pk in str(run.request) for pk in theirs)
