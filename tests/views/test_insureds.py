"""The insureds' list, page and form, as a broker, another broker and a manager meet them."""

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
from tests.views.pages import edit_url, form_values, signed_in, words

LIST = reverse("quotes:insured_list")
SEARCH = reverse("quotes:insured_search")
NEW = reverse("quotes:insured_create")
NEXT_YEAR = timezone.localdate().year + 1


@pytest.fixture
def client(people):
    return signed_in(people["broker"])


@pytest.fixture
def insured(people):
    return import_example(owner=people["broker"]).insured


def detail(insured: Insured) -> str:
    return reverse("quotes:insured_detail", args=[insured.pk])


def household(name: str, **more: Any) -> dict[str, Any]:
    return {
        "applicant": {"name": name},
        "address": {"city": "Testville", "state": "OH", "zip_code": "43004"},
        "current_coverage": {"home": {"carrier": f"{name} Mutual", "annual_premium": 100}},
        "quotes": [
            {"carrier": "Fable Mutual", "package_id": f"p-{name}", "home": {"premium_annual": 1000}}
        ],
        **more,
    }


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


# The form -------------------------------------------------------------------------------------


def test_an_insured_with_all_its_rows_is_stored(client, people):
    typed = new_values(
        client,
        street="1 Story Lane",
        city="Concord",
        state="MA",
        zip_code="01742",
        replacement_cost="$940,000",
        square_feet="2,180",
        claims_5yr="0",
        **{
            "drivers-0-name": "Ada Fiction",
            "drivers-0-years_licensed": "22",
            "drivers-0-violations_5yr": "0",
            "vehicles-0-year": "2021",
            "vehicles-0-make": "Honda",
            "vehicles-0-garaging_zip": "01742",
            "incumbents-home-shown": "1",
            "incumbents-home-carrier_name": "Fable Mutual",
            "incumbents-home-annual_premium": "$1,234.50",
        },
    )
    answer = client.post(NEW, typed)
    insured = Insured.objects.get()
    assert answer["Location"] == detail(insured)
    assert insured.owner == people["broker"]
    assert insured.zip_code == "01742"
    page = words(client.get(detail(insured)))
    for text in ("$940,000", "2,180", "22 years licensed, no violations", "2021 Honda",
                 "Fable Mutual, $1,234.50", "Claims, 5 years None"):  # fmt: skip
        assert text in page
    assert insured.document["residence"]["replacement_cost"] == 940000


BAD = [
    ("replacement_cost", "NaN", "Write dollars and cents"),
    ("replacement_cost", "Infinity", "Write dollars and cents"),
    ("replacement_cost", "1e999", "Write dollars and cents"),
    ("replacement_cost", "-5", "cannot be negative"),
    ("replacement_cost", "12,34,5", "Write dollars and cents"),
    ("replacement_cost", "1.0055", "Round it to the cent"),
    ("replacement_cost", "1.005", "could mean two amounts"),
    ("replacement_cost", "9" * 5000, "cannot be right"),
    ("year_built", "0", f"from 1600 to {NEXT_YEAR}"),
    ("year_built", str(NEXT_YEAR + 1), f"from 1600 to {NEXT_YEAR}"),
    ("year_built", "soon", "Write a whole number"),
    ("claims_5yr", "-1", "Write a whole number"),
    ("state", "ZZ", "Choose a state"),
    ("zip_code", "123", "Write five digits"),
    ("zip_code", "٠١٢٣٤", "Write five digits"),
    ("city", "x" * 121, "Shorten it to 120"),
    ("city", "a\x00b", "not text"),
    ("applicant_name", "", "Write the applicant"),
    ("drivers-0-years_licensed", "91", "Driver 1, years licensed: Write a whole number"),
    ("drivers-0-violations_5yr", "1.5", "Driver 1, violations, 5 years"),
    ("vehicles-0-year", "1800", "Vehicle 1, year"),
    ("vehicles-0-garaging_zip", "4300", "Vehicle 1, garaging zip"),
    ("incumbents-home-annual_premium", "10000000", "Home in force, annual premium: More than"),
]


@pytest.mark.parametrize(("field", "value", "message"), BAD)
def test_bad_input_names_the_field_keeps_what_was_typed_and_saves_nothing(
    client, field, value, message
):
    typed = new_values(client, city="Concord", **{"drivers-0-name": "Bo Fiction"})
    typed |= {"incumbents-home-shown": "1", field: value}
    answer = client.post(NEW, typed)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert message in words(answer)
    assert 'class="error-summary"' in page
    assert f'href="#id_{field}"' in page
    kept = form_values(page)
    for name in typed.keys() - {"state", "overwrite", "twice"}:
        if "\x00" not in typed[name]:  # a browser cannot be shown one
            assert kept[name] == typed[name], name
    assert not Insured.objects.exists()


def test_every_mistake_is_named_at_once(client):
    typed = new_values(client, zip_code="1", **{"drivers-0-years_licensed": "x"})
    page = words(client.post(NEW, typed | {"applicant_name": ""}))
    assert "3 things keep this from being saved" in page


def test_rows_are_added_and_removed_without_javascript_and_nothing_is_saved(client, insured):
    typed = form_values(client.get(edit_url(insured)).content.decode())
    typed["drivers-1-name"] = "Half typed"
    typed["zip_code"] = "12"  # not judged yet
    more = client.post(edit_url(insured), typed | {"add": "drivers"})
    assert more.status_code == 200
    values = form_values(more.content.decode())
    assert values["drivers-TOTAL_FORMS"] == "4"
    assert values["drivers-1-name"] == "Half typed"
    assert values["drivers-3-name"] == ""
    assert values["zip_code"] == "12"
    assert "error-summary" not in more.content.decode()
    values["drivers-3-name"] = "New Fiction"
    less = client.post(edit_url(insured), values | {"remove": "drivers-0"})
    values = form_values(less.content.decode())
    assert values["drivers-TOTAL_FORMS"] == "3"
    assert values["drivers-0-name"] == "Half typed"
    assert "Driver 1 taken out; 3 left" in words(less)
    assert insured.drivers.all()[0].name == "Marigold Fairweather"
    saved = client.post(edit_url(insured), values | {"zip_code": "92648"})
    assert saved.status_code == 302
    names = [driver.name for driver in insured.drivers.all()]
    assert names == ["Half typed", "Juniper Fairweather", "New Fiction"]
    # Rows that stayed keep what was imported with them.
    assert insured.drivers.all()[1].document["good_student"] is True


def test_an_incumbent_is_opened_emptied_and_removed_without_javascript(people, client):
    insured = import_example("home_only.json", people["broker"]).insured
    values = form_values(client.get(edit_url(insured)).content.decode())
    assert "incumbents-auto-shown" not in values
    opened = client.post(edit_url(insured), values | {"add": "incumbents-auto"})
    values = form_values(opened.content.decode())
    values |= {"incumbents-auto-carrier_name": "Fable", "incumbents-auto-annual_premium": "900"}
    closed = client.post(edit_url(insured), values | {"remove": "incumbents-home"})
    client.post(edit_url(insured), form_values(closed.content.decode()))
    assert [(i.line, i.carrier_name) for i in insured.incumbents.all()] == [("auto", "Fable")]


@pytest.mark.parametrize("junk", ["", "x", "-1", "99999999999999999999", "1e9"])
def test_tampered_row_counts_do_no_harm(client, junk):
    address = reverse("quotes:insured_form_row", args=["drivers"])
    for button in ({"add": "drivers"}, {"remove": "drivers-7"}, {"remove": f"drivers-{junk}"}):
        answer = client.post(address, {"drivers-TOTAL_FORMS": junk} | button)
        assert answer.status_code == 200
        assert answer.content.count(b"<fieldset") <= 41
    typed = new_values(client) | {"drivers-TOTAL_FORMS": junk}
    assert client.post(NEW, typed).status_code in (302, 422)


def test_the_row_fragment_keeps_what_was_typed(client):
    address = reverse("quotes:insured_form_row", args=["drivers"])
    typed = {"drivers-TOTAL_FORMS": "1", "drivers-0-name": "<b>Bo</b>", "add": "drivers"}
    values = form_values("<main" + client.post(address, typed).content.decode())
    assert values["drivers-0-name"] == "<b>Bo</b>"
    assert values["drivers-1-name"] == ""
    assert client.post(reverse("quotes:insured_form_row", args=["secrets"])).status_code == 404
    assert client.get(address).status_code == 405


def test_a_row_asked_for_after_the_session_ended_keeps_the_form(client):
    client.logout()
    answer = client.post(reverse("quotes:insured_form_row", args=["drivers"]), {"add": "drivers"})
    assert answer["HX-Retarget"] == "#row-trouble"
    assert "You are signed out" in words(answer)


def test_a_stale_form_is_refused_keeps_the_typing_and_may_be_saved_over(client, insured):
    mine = form_values(client.get(edit_url(insured)).content.decode()) | {"city": "Mine"}
    theirs = mine | {"city": "Theirs"}
    assert client.post(edit_url(insured), theirs).status_code == 302
    refused = client.post(edit_url(insured), mine)
    assert refused.status_code == 422
    assert "This insured was saved meanwhile (perhaps by you in another tab)" in words(refused)
    assert "keeps this from being saved" not in words(refused), "said once"
    assert detail(insured) in refused.content.decode()
    insured.refresh_from_db()
    assert insured.city == "Theirs"
    again = form_values(refused.content.decode())
    assert again["city"] == "Mine"
    assert client.post(edit_url(insured), again | {"overwrite": "on"}).status_code == 302
    insured.refresh_from_db()
    assert insured.city == "Mine"


def test_a_changed_driver_alone_makes_a_form_stale(client, insured):
    typed = form_values(client.get(edit_url(insured)).content.decode())
    insured.drivers.update(years_licensed=3)
    assert client.post(edit_url(insured), typed).status_code == 422


# The same household twice ----------------------------------------------------------------------


def place(**more: str) -> dict[str, str]:
    return {"state": "OH", "zip_code": "43004", "applicant_name": "Ada Fiction", **more}


def test_a_household_known_by_name_and_place_is_warned_of_and_may_be_saved_anyway(people, client):
    first = import_value(household("Ada Fiction"), people["broker"]).insured
    refused = client.post(NEW, new_values(client, **place(applicant_name="ada  FICTION")))
    assert refused.status_code == 422
    assert detail(first) in refused.content.decode()
    assert Insured.objects.count() == 1
    values = form_values(refused.content.decode()) | {"twice": "on"}
    assert client.post(NEW, values).status_code == 302
    second = Insured.objects.exclude(pk=first.pk).get()
    assert second.identity_key == ""
    # Saving the second again, unchanged in name and place, asks nothing.
    values = form_values(client.get(edit_url(second)).content.decode()) | {"city": "Elsewhere"}
    assert client.post(edit_url(second), values).status_code == 302
    # A later import of the household is still the first.
    assert import_value(household("Ada Fiction"), people["broker"]).insured == first


def test_another_brokers_household_is_not_told_of(people, client):
    import_value(household("Ada Fiction"), people["other"])
    assert client.post(NEW, new_values(client, **place())).status_code == 302


def test_a_typed_household_is_known_again_by_an_import(people, client):
    client.post(NEW, new_values(client, **place()))
    intake = import_value(household("Ada Fiction"), people["broker"])
    assert not intake.created


def test_the_key_follows_the_name_but_an_imports_own_id_stays(people, client, insured):
    named = import_value(household("Ada Fiction"), people["broker"]).insured
    for each, key in ((named, "name:ada story|OH|43004"), (insured, insured.identity_key)):
        values = form_values(client.get(edit_url(each)).content.decode())
        client.post(edit_url(each), values | {"applicant_name": "Ada Story"})
        each.refresh_from_db()
        assert each.applicant_name == "Ada Story"
        assert each.identity_key == key
    assert insured.identity_key.startswith("id:")
