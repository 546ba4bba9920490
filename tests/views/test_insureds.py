"""The insureds' list and page, as a broker, another broker and a manager meet them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from quotes.models import Attachment, Insured, InsuredShare
from quotes.services import directory
from quotes.services.retention.holds import lift_hold, place_hold
from quotes.services.runs import start_run
from quotes.services.sharing import share_insured
from tests.factories import import_example, import_value, make_user
from tests.views.households import household
from tests.views.pages import edit_url, form_values, signed_in, words

LIST = reverse("quotes:insured_list")
SEARCH = reverse("quotes:insured_search")
NEW = reverse("quotes:insured_create")


@pytest.fixture
def client(people):
    return signed_in(people["broker"])


@pytest.fixture
def insured(people):
    return import_example(owner=people["broker"]).insured


def detail(insured: Insured) -> str:
    return reverse("quotes:insured_detail", args=[insured.pk])


def new_values(client: Client, **typed: str) -> dict[str, Any]:
    return form_values(client.get(NEW).content.decode()) | {"applicant_name": "Ada Fiction"} | typed


# Who sees what --------------------------------------------------------------------------------


def test_a_broker_lists_only_their_own_and_a_manager_all_with_the_brokers_name(people, client):
    import_value(household("Mine Fiction"), people["broker"])
    import_value(household("Theirs Fiction"), people["other"])
    mine = words(client.get(LIST))
    assert "Mine Fiction" in mine
    assert "Theirs Fiction" not in mine
    both = words(signed_in(people["manager"]).get(LIST))
    assert "Mine Fiction" in both
    assert "Theirs Fiction" in both
    assert people["other"].shown_name in both


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("route", ["insured_detail", "insured_edit", "quote_create", "run_start"])
def test_another_brokers_insured_is_absent(people, insured, route, method):
    other = signed_in(people["other"])
    answer = getattr(other, method)(reverse(f"quotes:{route}", args=[insured.pk]))
    expected = {404} if route in ("insured_edit", "quote_create") else {404, 405}
    assert answer.status_code in expected


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("route", ["quote_edit", "quote_delete"])
@pytest.mark.parametrize("who", ["other", "manager", "admin"])
def test_nobody_else_edits_or_deletes_a_quote(people, insured, route, method, who):
    quote = insured.quotes.first()
    answer = getattr(signed_in(people[who]), method)(reverse(f"quotes:{route}", args=[quote.pk]))
    assert answer.status_code == 404
    assert insured.quotes.filter(pk=quote.pk).exists()


@pytest.mark.parametrize("who", ["manager", "admin"])
def test_managers_and_admins_read_and_change_nothing(people, insured, who):
    client = signed_in(people[who])
    page = client.get(detail(insured))
    assert page.status_code == 200
    assert "Marigold Fairweather" in words(page)
    assert "Compare packages" not in words(page)
    assert "Add a quote" not in words(page)
    for route in ("insured_edit", "quote_create", "run_start"):
        address = reverse(f"quotes:{route}", args=[insured.pk])
        assert client.post(address).status_code == 404
    assert client.get(NEW).status_code == 403
    assert client.post(NEW, {"applicant_name": "Ada"}).status_code == 403
    rows = reverse("quotes:insured_form_row", args=["drivers"])
    assert client.post(rows, {"add": "drivers"}).status_code == 403


# The list -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("fairweather", True),
        ("Marigold huntington", True),
        ("92648", True),
        ("ca", True),
        ("Cobblestone", True),
        ("larkspur MARIGOLD", True),
        ("larkspur nobody", False),
        ("x" * 500, False),
        ("50%_", False),
        ("mari\x00gold", True),
    ],
)
def test_search_finds_by_name_place_and_carrier_and_stays_out_of_the_address(
    client, insured, text, found
):
    answer = client.post(SEARCH, {"q": text})
    assert answer.status_code == 302
    assert answer["Location"] == LIST
    assert ("Marigold Fairweather" in words(client.get(LIST))) is found
    client.post(SEARCH, {"q": text, "clear": "1"})
    assert "Marigold Fairweather" in words(client.get(LIST))


def test_a_search_stays_until_the_whole_list_is_asked_for(client, insured):
    client.post(SEARCH, {"q": "nobody"})
    assert "Nobody matches" in words(client.get(LIST, {"page": "2"}))
    home = client.get(reverse("quotes:worklist")).content.decode()
    assert home.count(f'href="{LIST}?all=1"') == 2, "the navigation, and how many there are"
    answer = client.get(LIST, {"all": "1"})
    assert answer["Location"] == LIST
    assert "Marigold Fairweather" in words(client.get(LIST))


def test_the_list_comes_in_pages_of_25(people, client):
    for number in range(27):
        import_value(household(f"Person{number:02} Fiction"), people["broker"])
    first, second = words(client.get(LIST)), words(client.get(LIST, {"page": "2"}))
    assert "1–25 of 27" in first
    assert "26–27 of 27" in second
    assert "Person26" in first  # the newest change
    assert "Person00" in second
    assert client.get(LIST, {"page": "nonsense"}).status_code == 200


def queries(client: Client, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("name", ["broker", "other", "manager", "admin", "nobody"])
def test_the_whole_list_is_what_a_search_for_nothing_finds(people, name, shared):
    for owner in (people["broker"], people["broker"], people["other"], None):
        import_example(owner=owner)
    Insured.objects.bulk_create(
        Insured(owner=people["broker"], applicant_name=f"Household {n}") for n in range(27)
    )
    if shared:
        for whose, with_whom in (("broker", "other"), ("other", "broker")):
            insured = Insured.objects.filter(owner=people[whose])[0]
            InsuredShare.objects.create(
                insured=insured, user=people[with_whom], shared_by=people[whose]
            )
    user = make_user("nobody", None) if name == "nobody" else people[name]
    seen = Insured.objects.visible_to(user)
    every, found = directory.Everyone(user), directory.listed(seen)
    assert every.count() == seen.count()
    for span in (slice(0, 25), slice(0, 3), slice(0, 30), slice(25, 30), slice(10, 20)):
        assert every[span] == list(found[span])


def test_list_queries_do_not_grow_with_rows(people, client):
    manager = signed_in(people["manager"])
    for number in range(2):
        import_value(household(f"Person{number} Fiction"), people["broker"])
    few = queries(client, LIST), queries(manager, LIST)
    for number in range(2, 14):
        import_value(household(f"Person{number} Fiction"), people["broker"])
    assert (queries(client, LIST), queries(manager, LIST)) == few


def test_what_hangs_on_few_insureds_is_asked_for_only_where_it_is(people, client, insured):
    """And is then shown: a hold, shares, files and renewals, each by one statement more."""
    few = queries(client, detail(insured))
    place_hold(insured=insured, actor=people["manager"], reason="A letter")
    with_hold = queries(client, detail(insured))
    share_insured(insured=insured, colleague=people["other"], actor=people["broker"])
    with_share = queries(client, detail(insured))
    Attachment.objects.create(
        insured=insured,
        name="dec page.pdf",
        content_type="application/pdf",
        size=7,
        sha256="0" * 64,
    )
    with_file = queries(client, detail(insured))
    renewed = import_value(household("Renewed Fiction"), people["broker"]).insured
    Insured.objects.filter(pk=renewed.pk).update(renewal_of=insured)
    with_renewal = queries(client, detail(insured))
    assert [with_hold, with_share, with_file, with_renewal] == [few + n for n in range(1, 5)]
    page = words(client.get(detail(insured)))
    for said in ("On legal hold", people["other"].shown_name, "dec page.pdf", "Renewed as"):
        assert said in page


def test_a_hold_that_was_lifted_is_not_asked_for(people, client, insured):
    few = queries(client, detail(insured))
    place_hold(insured=insured, actor=people["manager"], reason="A letter")
    lift_hold(insured=insured, actor=people["manager"], reason="Settled")
    assert queries(client, detail(insured)) == few
    assert "On legal hold" not in words(client.get(detail(insured)))


def test_detail_queries_do_not_grow_with_quotes_and_runs(people, client):
    def quotes(count: int) -> list[dict[str, Any]]:
        return [
            {"carrier": f"Fable {n}", "package_id": f"p{n}", "home": {"premium_annual": 900 + n}}
            for n in range(count)
        ]

    insured = import_value(household("Ada Fiction", quotes=quotes(2)), people["broker"]).insured
    start_run(insured=insured, coverage_types=["home"], hint=False)
    few = queries(client, detail(insured))
    import_value(household("Ada Fiction", quotes=quotes(12)), people["broker"])
    for _ in range(4):
        start_run(insured=insured, coverage_types=["home"], hint=False)
    assert queries(client, detail(insured)) == few


# The page -------------------------------------------------------------------------------------


def test_the_matrix_shows_premiums_products_ids_and_the_bundle_discount(people, insured):
    page = words(signed_in(people["manager"]).get(detail(insured)))
    for text in (
        "$5,890.40", "qt_lark_home_001", "$400 bundle discount", "= lines", "one line",
        "not quoted", "incumbent $12,840", "24 packages possible",
    ):  # fmt: skip
        assert text in page


def test_a_premium_of_zero_is_warned_of_and_accepted(people, client):
    value = household("Ada Fiction")
    value["quotes"][0]["home"]["premium_annual"] = 0
    insured = import_value(value, people["broker"]).insured
    page = words(client.get(detail(insured)))
    assert "Fable Mutual home premium is $0: check it" in page
    assert "1 of 1 line quoted" in page
    start = {"coverage_types": ["home"], "appetite": "balanced"}
    answer = client.post(reverse("quotes:run_start", args=[insured.pk]), start)
    assert answer.status_code == 302


def test_not_stated_none_and_zero_look_different(people, client):
    value = household(
        "Ada Fiction",
        insurance_history={"claims_5yr": 0, "lapses": None},
        current_coverage={"home": {"carrier": "Fable", "annual_premium": 0}},
    )
    page = words(client.get(detail(import_value(value, people["broker"]).insured)))
    assert "Claims, 5 years None" in page
    assert "Lapses —" in page
    assert "incumbent $0" in page


@pytest.mark.parametrize(
    ("days", "text"),
    [(-2, "expired"), (0, "expires today"), (3, "in 3 days"), (7, "in 7 days"), (8, None)],
)
def test_a_quote_about_to_expire_is_warned_of(people, client, days, text):
    day = (timezone.localdate() + dt.timedelta(days=days)).isoformat()
    value = household("Ada Fiction")
    value["quotes"][0]["quote_expires_at"] = day
    page = words(client.get(detail(import_value(value, people["broker"]).insured)))
    assert ("Fable Mutual's quote" in page) is (text is not None)
    if text:
        assert text in page


def test_an_imported_text_is_shown_as_text(people, client):
    evil = "<script>alert(1)</script>"
    value = household(evil, residence={evil: evil}, notes=evil)
    value["quotes"][0]["carrier"] = evil
    insured = import_value(value, people["broker"]).insured
    for address in (LIST, detail(insured), edit_url(insured)):
        assert evil not in client.get(address).content.decode()
    assert evil in words(client.get(detail(insured)))


def test_an_empty_insured_says_what_to_do(client):
    client.post(NEW, new_values(client))
    page = words(client.get(detail(Insured.objects.get())))
    for text in ("No quotes yet", "Nothing compared yet", "Add a quote", "The state is required"):
        assert text in page
