"""Saving cells of the quote grid: what is stored, told as a mistake, or as a conflict."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from quotes.models import Carrier, Quote, QuoteLine
from quotes.services.editing_quote import delete_quote
from quotes.services.origins import How, origin_of
from quotes.services.submission import build_request
from tests.factories import import_example, import_value
from tests.views.grid import cell_now, outcomes, row, save
from tests.views.pages import form_values, signed_in


@pytest.fixture
def client(people):
    return signed_in(people["broker"])


@pytest.fixture
def insured(people):
    return import_example(owner=people["broker"]).insured


@pytest.fixture
def quote(insured):
    return insured.quotes.get(package_id="pkg_quillfeather_001")


def test_a_new_row_becomes_one_quote_however_often_it_is_sent(client, insured):
    pk = uuid4()
    cells = {
        "carrier_name": "Fable Mutual",
        "home-premium_annual": "6,480",
        "home-quote_ref": "q-1",
        "auto-premium_annual": "2155 / 6 mo",
        "package_premium_annual": "$10,000.50",
        "term_months": "12 mo",
        "expires_on": "12/31/2026",
    }
    last = insured.quotes.last().position
    for _ in range(2):
        (answer,) = save(client, insured, row(pk, cells, new=True))
        assert answer["state"] == "stored"
        assert set(outcomes(answer).values()) == {"saved"}
    quote = Quote.objects.get(pk=pk)
    assert (quote.carrier.name, quote.position) == ("Fable Mutual", last + 1)
    assert quote.package_premium_annual == Decimal("10000.50")
    assert quote.term_months == 12
    # A date ends at midnight at its end, in the office's time zone.
    assert timezone.localtime(quote.expires_at) == timezone.make_aware(dt.datetime(2027, 1, 1))
    home, auto = quote.lines.get(line="home"), quote.lines.get(line="auto")
    assert (home.premium_annual, home.quote_ref) == (Decimal("6480"), "q-1")
    assert auto.premium_annual == Decimal("4310")
    assert not quote.lines.filter(line="umbrella").exists()
    assert answer["stored"]["home-premium_annual"] == ["6480", "$6,480"]
    assert answer["stored"]["auto-premium_annual"] == ["2155 / 6 mo", "$4,310"]
    assert answer["stored"]["expires_on"] == ["12/31/2026", "Dec 31, 2026"]
    assert answer["notes"]["auto"] == ["6 months ×2, estimated"]


def test_a_lost_answer_and_a_later_value_are_no_conflict_with_oneself(client, insured):
    pk = uuid4()
    save(
        client, insured, row(pk, {"carrier_name": "Fable", "home-premium_annual": "100"}, new=True)
    )
    # The browser never heard of it: it was "" or "$100.00" when 120 was typed.
    again = {"carrier_name": "Fable", "home-premium_annual": ("120", "", "$100.00")}
    (answer,) = save(client, insured, row(pk, again, new=True))
    assert set(outcomes(answer).values()) == {"saved"}
    assert QuoteLine.objects.get(quote=pk).premium_annual == 120


@pytest.mark.parametrize("text", [" Harbor", "Harbor\n", "Harbor\r\nSelect", "\u2028Harbor\xa0"])
@pytest.mark.parametrize(
    ("cell", "model", "column"),
    [("carrier_name", Quote, "carrier_name"), ("home-product_name", QuoteLine, "product_name")],
)
def test_imported_text_that_no_cell_can_hold_is_no_conflict(
    client, insured, quote, text, cell, model, column
):
    rows = {Quote: Quote.objects.filter(pk=quote.pk), QuoteLine: quote.lines.filter(line="home")}
    rows[model].update(**{column: text})
    was = cell_now(client, insured, quote, cell)
    assert was == was.strip()
    # Left as it is, it is as it was.
    (answer,) = save(client, insured, row(quote.pk, {cell: (was, was)}))
    assert outcomes(answer) == {cell: "saved"}
    assert rows[model].values_list(column, flat=True).get() == text
    (answer,) = save(client, insured, row(quote.pk, {cell: ("Tidewater", was)}))
    assert outcomes(answer) == {cell: "saved"}
    assert cell_now(client, insured, quote, cell) == "Tidewater"


def test_the_largest_premium_can_be_stored(client, insured, quote):
    cells = ("home-premium_annual", "package_premium_annual")
    typed = {cell: ("9,999,999", cell_now(client, insured, quote, cell)) for cell in cells}
    (answer,) = save(client, insured, row(quote.pk, typed))
    assert set(outcomes(answer).values()) == {"saved"}


MISTAKES = [
    ("home-premium_annual", "oops", "dollars"),
    ("home-premium_annual", "-5", "negative"),
    ("home-premium_annual", "99999999", "More than $9,999,999"),
    ("home-premium_annual", "9999999.01", "More than $9,999,999"),
    ("package_premium_annual", "9999999.99", "More than $9,999,999"),
    ("package_premium_annual", "NaN", "Write dollars and cents"),
    ("package_premium_annual", "0.001", "Round it"),
    ("term_months", "37", "from 1 to 36"),
    ("term_months", "soon", "from 1 to 36"),
    ("expires_on", "someday", "Write a date"),
    ("expires_on", "2/30/2026", "Write a date"),
    ("expires_on", "1/1/1999", "between 2000 and 2099"),
    ("home-quote_ref", "x" * 121, "Shorten it to 120"),
    ("home-product_name", "x" * 201, "Shorten it to 200"),
    ("home-product_name", "a\x00b", "not text"),
    ("home-product_name", "\ud800", "not text"),
    ("carrier_name", "", "A quote needs its carrier"),
    ("carrier_name", "x" * 121, "Shorten it to 120"),
]


@pytest.mark.parametrize(("cell", "text", "message"), MISTAKES)
def test_a_mistake_is_told_at_its_cell_and_the_others_are_saved(
    client, insured, quote, cell, text, message
):
    stored = cell_now(client, insured, quote, cell)
    cells = {cell: (text, stored), "umbrella-premium_annual": "777"}
    (answer,) = save(client, insured, row(quote.pk, cells))
    assert outcomes(answer) == {cell: "mistake", "umbrella-premium_annual": "saved"}
    assert message in answer["cells"][cell]["message"]
    assert cell_now(client, insured, quote, cell) == stored
    assert quote.lines.get(line="umbrella").premium_annual == 777


READ = [
    ("expires_on", "2026-12-31", "Dec 31, 2026"),
    ("expires_on", "Dec 31, 2026", "Dec 31, 2026"),
    ("expires_on", "31-Dec-26", "Dec 31, 2026"),
    ("expires_on", "december 31 2026", "Dec 31, 2026"),
    ("term_months", "6 months", "6 mo"),
    ("term_months", "semi-annual", "6 mo"),
    ("term_months", "annual", "12 mo"),
    ("umbrella-premium_annual", "$0", "$0"),
    ("umbrella-premium_annual", "1,980.5", "$1,980.50"),
    ("umbrella-premium_annual", "990 x 2", "$1,980"),
    ("package_premium_annual", "12,000.50", "$12,000.50"),
    ("umbrella-product_name", "  Excess  Liability ", "Excess  Liability"),
]


@pytest.mark.parametrize(("cell", "text", "shown"), READ)
def test_values_are_read_as_people_write_them_and_shown_alike(
    client, insured, quote, cell, text, shown
):
    stored = cell_now(client, insured, quote, cell)
    (answer,) = save(client, insured, row(quote.pk, {cell: (text, stored)}))
    assert outcomes(answer) == {cell: "saved"}
    assert answer["stored"][cell][1] == shown
    assert cell_now(client, insured, quote, cell) == shown


def test_a_day_without_a_year_is_the_nearest_one(client, insured, quote):
    day = timezone.localdate() + dt.timedelta(days=20)
    stored = cell_now(client, insured, quote, "expires_on")
    save(client, insured, row(quote.pk, {"expires_on": (f"{day.month}/{day.day}", stored)}))
    quote.refresh_from_db()
    assert timezone.localtime(quote.expires_at).date() == day + dt.timedelta(days=1)


def test_a_quote_does_not_expire_before_it_was_quoted(client, insured, quote):
    assert quote.generated_at is not None
    stored = cell_now(client, insured, quote, "expires_on")
    (answer,) = save(client, insured, row(quote.pk, {"expires_on": ("1/2/2001", stored)}))
    assert "It was quoted on" in answer["cells"]["expires_on"]["message"]


def test_somebody_elses_change_is_told_with_their_name_and_kept(client, insured, quote, people):
    people["broker"].first_name, people["broker"].last_name = "Dana", "Fiction"
    people["broker"].save()
    cell = "home-premium_annual"
    seen = cell_now(client, insured, quote, cell)
    save(client, insured, row(quote.pk, {cell: ("1000", seen)}))
    (answer,) = save(client, insured, row(quote.pk, {cell: ("2000", seen)}))
    told = answer["cells"][cell]
    assert (told["outcome"], told["raw"], told["shown"]) == ("conflict", "1000", "$1,000")
    assert re.fullmatch("by Dana Fiction at [1-9][0-9]?:[0-9]{2} [AP]M", told["who"])
    assert quote.lines.get(line="home").premium_annual == 1000
    # Both typed the same: nothing to choose.
    (same,) = save(client, insured, row(quote.pk, {cell: ("$1,000.00", seen)}))
    assert outcomes(same) == {cell: "saved"}
    # Mine holds once I have seen theirs.
    (kept,) = save(client, insured, row(quote.pk, {cell: ("2000", "1000")}))
    assert outcomes(kept) == {cell: "saved"}
    assert quote.lines.get(line="home").premium_annual == 2000


def test_a_premium_of_six_months_and_the_same_sum_a_year_are_two_values(client, insured, quote):
    cell = "auto-premium_annual"
    seen = cell_now(client, insured, quote, cell)
    save(client, insured, row(quote.pk, {cell: ("2155/6mo", seen)}))
    (answer,) = save(client, insured, row(quote.pk, {cell: ("4400", "4310")}))
    assert outcomes(answer) == {cell: "conflict"}
    (answer,) = save(client, insured, row(quote.pk, {cell: ("4310", "2155 / 6 mo")}))
    assert answer["notes"]["auto"] == [
        note for note in answer["notes"]["auto"] if "months" not in note
    ]


def test_a_line_emptied_of_all_it_says_leaves_the_quote(client, insured):
    pk = uuid4()
    save(client, insured, row(pk, {"carrier_name": "Fable", "home-quote_ref": "q"}, new=True))
    assert QuoteLine.objects.filter(quote=pk).count() == 1
    (answer,) = save(client, insured, row(pk, {"home-quote_ref": ("", "q")}))
    assert outcomes(answer) == {"home-quote_ref": "saved"}
    assert not QuoteLine.objects.filter(quote=pk).exists()
    assert Quote.objects.filter(pk=pk).exists()


def test_a_line_with_details_stays_when_its_premium_is_cleared(client, insured, quote):
    line = quote.lines.get(line="home")
    cells = {
        f"home-{name}": ("", cell_now(client, insured, quote, f"home-{name}"))
        for name in ("premium_annual", "quote_ref", "product_name")
    }
    (answer,) = save(client, insured, row(quote.pk, cells))
    assert set(outcomes(answer).values()) == {"saved"}
    left = quote.lines.filter(line="home").first()
    assert left == line
    assert left.premium_annual is None


def test_a_row_without_a_carrier_waits_and_stores_nothing(client, insured):
    before = Quote.objects.count()
    pk = uuid4()
    (answer,) = save(client, insured, row(pk, {"home-premium_annual": "100"}, new=True))
    assert answer["state"] == "waiting"
    assert "carrier" in answer["message"]
    (answer,) = save(client, insured, row(pk, {"carrier_name": "x" * 121}, new=True))
    assert answer["state"] == "waiting"
    assert outcomes(answer) == {"carrier_name": "mistake"}
    assert Quote.objects.count() == before


def test_a_quote_deleted_meanwhile_is_told_at_its_row(client, insured, quote):
    delete_quote(quote=Quote.objects.get(pk=quote.pk))
    (answer,) = save(client, insured, row(quote.pk, {"home-premium_annual": ("1", "2")}))
    assert answer["state"] == "gone"
    assert "deleted meanwhile" in answer["message"]
    assert not insured.quotes.filter(pk=quote.pk).exists()


def test_the_id_of_another_insureds_quote_is_no_new_row(client, insured, people):
    theirs = import_value(
        {"quotes": [{"carrier": "Fable", "home": {"premium_annual": 1}}]}, people["other"]
    ).quotes[0]
    for new in (True, False):
        cells = {"carrier_name": "Stolen Mutual", "home-premium_annual": "9"}
        (answer,) = save(client, insured, row(theirs.pk, cells, new=new))
        assert answer["state"] == "gone"
    theirs.refresh_from_db()
    assert theirs.carrier_name == "Fable"
    assert theirs.insured_id != insured.pk


def test_a_carrier_is_recognised_by_its_other_names(client, insured):
    known = Carrier.objects.named("Larkspur Mutual")
    pk = uuid4()
    name = "Larkspur Mutual Insurance Company"
    (answer,) = save(client, insured, row(pk, {"carrier_name": name}, new=True))
    quote = Quote.objects.get(pk=pk)
    assert (quote.carrier, quote.carrier_name) == (known, name)
    assert answer["notes"]["carrier"] == "Larkspur Mutual"


def test_cells_say_whether_they_were_typed_or_pasted_and_by_whom(client, insured, people):
    pk = uuid4()
    sent = row(pk, {"carrier_name": "Fable", "home-premium_annual": "1"}, new=True)
    sent["cells"]["home-premium_annual"]["pasted"] = True
    save(client, insured, sent)
    quote = Quote.objects.get(pk=pk)
    typed = origin_of(quote, "carrier_name")
    pasted = origin_of(quote.lines.get(), "premium_annual")
    assert typed
    assert pasted
    assert (typed.how, typed.by) == (How.TYPED, people["broker"].shown_name)
    assert pasted.how == How.PASTED


def test_what_was_not_edited_is_sent_to_nexio_as_before(client, insured, quote):
    def request() -> dict[str, Any]:
        quotes = list(insured.quotes.prefetch_related("lines"))
        return build_request(insured=insured, quotes=quotes, coverage_types=["home", "auto"]).body

    before = request()
    cells = {}
    values = form_values(
        client.get(reverse("quotes:insured_detail", args=[insured.pk])).content.decode()
    )
    for key, value in values.items():
        if key.startswith(f"c-{quote.pk}-") and value:
            cells[key.removeprefix(f"c-{quote.pk}-")] = (value, "")
    (answer,) = save(client, insured, row(quote.pk, cells))
    assert set(outcomes(answer).values()) == {"saved"}
    assert request() == before
