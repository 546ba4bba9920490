"""What confirming an import leaves behind: all of it or nothing, once, and where it came from."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from quotes.models import Carrier, ColumnChoice, ImportDraft, Insured, Quote, QuoteLine, User
from quotes.services.editing_quote import TypedLine, save_quote
from quotes.services.importing.drafts import confirm_draft, incoming_of, keep_draft
from quotes.services.importing.entry import Blocked, ChangedMeanwhile, confirm, prepare
from quotes.services.origins import How, origin_of
from quotes.services.submission import build_request
from tests.services.importing.tables import (
    HOME,
    LARKSPUR,
    TIDEWATER,
    counted,
    csv_of,
    imported,
    incoming,
    preview_of,
    stored,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(people):
    return people["broker"]


def test_everything_that_is_stated_is_stored(owner):
    outcome = imported(csv_of(LARKSPUR, TIDEWATER), owner)
    assert counted(outcome.preview) == ((1, 0, 0), (2, 0, 0))
    insured = Insured.objects.get()
    assert outcome.insureds == [insured.pk]
    assert (insured.owner, insured.applicant_name, insured.place) == (
        owner,
        "Ana Fable",
        "Irvine, CA 92602",
    )
    first, second = insured.quotes.all()
    assert (first.carrier_name, first.package_id) == ("Larkspur Mutual", "P-1")
    assert first.package_premium_annual == Decimal(6900)
    assert (first.position, second.position) == (0, 1)
    assert first.in_input_quotes
    assert [
        (x.line, x.premium_annual, x.quote_ref, x.product_name, x.position)
        for x in second.lines.all()
    ] == [
        ("home", Decimal(3900), "H-2", "Select", 10),
        ("auto", Decimal(2300), "A-2", "", 11),
        ("umbrella", Decimal(450), "", "", 12),
    ]


def test_what_is_imported_can_be_sent(owner):
    imported(csv_of(LARKSPUR), owner)
    insured = Insured.objects.get()
    request = build_request(
        insured=insured,
        quotes=list(insured.quotes.all()),
        coverage_types=["home", "auto", "umbrella"],
    )
    assert [each["attributes"]["line_premium_annual"] for each in request.body["offerings"]] == [
        4100,
        2400,
        480,
    ]


def test_the_same_table_again_changes_nothing(owner):
    raw = csv_of(
        LARKSPUR, TIDEWATER, (*HOME, "Quillback National", "", "", "3000", "", "", "", "", "")
    )
    imported(raw, owner)
    before = stored()
    assert preview_of(raw, owner).changes_nothing
    outcome = imported(raw, owner)
    assert counted(outcome.preview) == ((0, 0, 1), (0, 0, 3))
    assert stored() == before


def test_a_new_price_changes_that_and_nothing_else(owner):
    imported(csv_of(LARKSPUR, TIDEWATER), owner)
    before = dict(QuoteLine.objects.values_list("pk", "premium_annual"))
    touched = Insured.objects.get().updated_at
    raw = csv_of((*TIDEWATER[:7], "3700", *TIDEWATER[8:]), LARKSPUR)
    assert counted(imported(raw, owner, name="new.csv").preview) == ((0, 0, 1), (0, 1, 1))
    line = QuoteLine.objects.get(quote__package_id="P-2", line="home")
    assert line.premium_annual == Decimal(3700)
    after = dict(QuoteLine.objects.values_list("pk", "premium_annual"))
    assert {pk for pk in after if after[pk] != before[pk]} == {line.pk}
    assert Insured.objects.get().updated_at > touched
    # What did not change keeps where it came from.
    new, old = origin_of(line, "premium_annual"), origin_of(line, "quote_ref")
    assert new is not None
    assert old is not None
    assert (new.where, old.where) == (
        "new.csv, row 2, Home premium",
        "quotes.csv, row 3, Home quote id",
    )


def test_an_empty_cell_clears_nothing(owner):
    imported(csv_of(LARKSPUR), owner)
    before = stored()
    row = (*HOME, "Larkspur Mutual", "P-1", "", "4100", "", "", "", "", "")
    assert counted(imported(csv_of(row), owner).preview) == ((0, 0, 1), (0, 0, 1))
    assert stored() == before


def test_where_every_value_came_from(owner):
    imported(csv_of(LARKSPUR), owner)
    quote = Quote.objects.get()
    rows: list[tuple[Any, str, str]] = [
        (Insured.objects.get(), "applicant_name", "Insured"),
        (quote, "carrier_name", "Carrier"),
        (quote, "package_premium_annual", "Package premium"),
        (quote.lines.get(line="auto"), "quote_ref", "Auto quote id"),
    ]
    for row, column, heading in rows:
        origin = origin_of(row, column)
        assert origin is not None
        assert (origin.how, origin.where) == (How.IMPORTED, f"quotes.csv, row 2, {heading}")
        assert origin.by == owner.shown_name
        assert isinstance(origin.at, dt.datetime)
    assert "term_months" not in quote.origins


def test_a_typed_quote_is_updated_in_place(owner):
    insured = Insured.objects.create(owner=owner, applicant_name="Ana Fable")
    typed, _ = save_quote(
        insured=insured,
        columns={
            "carrier_name": "Larkspur Mutual", "package_id": "", "package_premium_annual": None,
            "term_months": None, "generated_at": None, "expires_at": None, "broker": "Own words",
        },
        lines={"home": TypedLine(premium="1")},
    )  # fmt: skip
    imported(csv_of(LARKSPUR), owner)
    quote = Quote.objects.get()
    assert (quote.pk, quote.package_id, quote.broker) == (typed.pk, "P-1", "Own words")
    assert quote.lines.count() == 3
    # The household was completed, and a later import knows it by its place too.
    insured.refresh_from_db()
    assert (insured.state, insured.zip_code) == ("CA", "92602")
    assert insured.identity_key.startswith("name:")


class TestAllOrNothing:
    def test_one_bad_cell_keeps_all_of_it_out(self, owner):
        raw = csv_of(LARKSPUR, (*TIDEWATER[:7], "three thousand", *TIDEWATER[8:]))
        with pytest.raises(Blocked) as refused:
            imported(raw, owner)
        assert [(p.row, p.column) for p in refused.value.preview.problems] == [(3, "Home premium")]
        assert stored() == [[], [], []]
        assert not Carrier.objects.exists()

    def test_a_failure_in_mid_write_leaves_nothing(self, owner):
        # The lines come last: a database that refuses one has taken in all the rest before.
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute(
                    "CREATE TRIGGER refuse BEFORE INSERT ON quotes_quoteline "
                    "WHEN NEW.line = 'umbrella' BEGIN SELECT RAISE(ABORT, 'full'); END"
                )
            else:
                cursor.execute(
                    "ALTER TABLE quotes_quoteline ADD CONSTRAINT refuse CHECK (line <> 'umbrella')"
                )
        with pytest.raises(IntegrityError):
            imported(csv_of(LARKSPUR), owner)
        assert stored() == [[], [], []]
        assert not Carrier.objects.exists()


def test_again_nothing_is_added_where_a_line_has_terms_and_no_premium(owner):
    headings = ("Insured", "Carrier", "Home premium", "Umbrella limit")
    rows = [("Ana Fable", "Larkspur Mutual", premium, "1M") for premium in ("4100", "4400")]
    raw = csv_of(*rows, headings=headings)
    imported(raw, owner)
    before = stored()
    assert counted(imported(raw, owner).preview) == ((0, 0, 1), (0, 0, 2))
    assert stored() == before


def test_a_premium_that_no_column_holds_is_told(owner):
    with pytest.raises(Blocked) as refused:
        imported(csv_of((*LARKSPUR[:7], "9999999.50", *LARKSPUR[8:])), owner)
    assert "is more than $9,999,999" in str(refused.value.preview.problems[0])


class TestBetweenPreviewAndConfirmation:
    @pytest.mark.parametrize(
        "meanwhile",
        [
            lambda owner: QuoteLine.objects.filter(line="home").update(premium_annual=1),
            lambda owner: Quote.objects.all().delete(),
            lambda owner: Insured.objects.update(zip_code="92603", identity_key=""),
        ],
        ids=["edited", "deleted", "moved"],
    )
    def test_another_plan_is_not_written(self, owner, meanwhile: Callable[[User], Any]):
        imported(csv_of(LARKSPUR), owner)
        arriving = incoming(csv_of((*LARKSPUR[:7], "4000", *LARKSPUR[8:])), owner)
        seal = prepare(arriving).seal
        meanwhile(owner)
        before = stored()
        with pytest.raises(ChangedMeanwhile) as refused:
            confirm(arriving, seal=seal)
        assert stored() == before
        confirm(arriving, seal=refused.value.preview.seal)
        assert stored() != before

    def test_what_does_not_concern_it_does_not_stop_it(self, owner):
        arriving = incoming(csv_of(LARKSPUR), owner)
        seal = prepare(arriving).seal
        Insured.objects.create(owner=owner, applicant_name="Bo Ray")
        confirm(arriving, seal=seal)
        assert Quote.objects.count() == 1


def test_a_corrected_column_is_remembered_for_the_next_table(owner):
    raw = csv_of(("Ana Fable", "Larkspur Mutual", "4100"), headings=("Insured", "Carrier", "Zzz"))
    assert preview_of(raw, owner).problems
    imported(raw, owner, mapping={"0:2": "home.premium_annual"})
    assert list(ColumnChoice.objects.values_list("owner", "target")) == [
        (owner.pk, "home.premium_annual")
    ]
    again = csv_of(("Bo Ray", "Larkspur Mutual", "4200"), headings=("Insured", "Carrier", "zzz"))
    assert counted(preview_of(again, owner)) == ((1, 0, 0), (1, 0, 0))


def test_and_is_nobody_elses(owner, people):
    raw = csv_of(("Ana Fable", "Larkspur Mutual", "4100"), headings=("Insured", "Carrier", "Zzz"))
    imported(raw, owner, mapping={"0:2": "home.premium_annual"})
    assert preview_of(raw, people["other"]).problems


def unlike(number: int) -> str:
    """A name that is like no other: households that are take one query more to tell."""
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return f"{digest[:8]} {digest[8:16]}"


def test_the_number_of_queries_does_not_grow_with_the_rows(owner):
    def queries(act: Callable[[], Any]) -> int:
        with CaptureQueriesContext(connection) as captured:
            act()
        return len(captured)

    def table(rows: int, start: int, premium: str) -> bytes:
        return csv_of(
            *(
                (unlike(start + n // 4), *HOME[1:], f"Carrier {n % 4} Mutual",
                 f"P-{start}-{n}", "6900", premium, f"H-{n}", "Signature", "2400", f"A-{n}", "480")
                for n in range(rows)
            )
        )  # fmt: skip

    imported(table(4, 0, "1"), owner)
    few, many = table(8, 1000, "4100"), table(400, 2000, "4100")
    assert queries(lambda: preview_of(few, owner)) == queries(lambda: preview_of(many, owner)) < 15
    assert queries(lambda: imported(few, owner)) == queries(lambda: imported(many, owner)) < 30
    few, many = table(8, 1000, "4200"), table(400, 2000, "4200")
    assert queries(lambda: imported(few, owner)) == queries(lambda: imported(many, owner)) < 30
    assert QuoteLine.objects.filter(premium_annual=4200).count() == 408


def test_a_draft_is_imported_once(owner):
    # Nothing tells this household from another of its name: no key keeps it from being made twice.
    raw = csv_of(
        ("Ana Fable", "Larkspur Mutual", "4100"), headings=("Insured", "Carrier", "Home premium")
    )
    made = keep_draft(raw=raw, name="", how=How.PASTED, owner=owner, insured=None)
    first, second = (ImportDraft.objects.get(pk=made.pk) for _ in range(2))
    seal = prepare(incoming_of(made)).seal
    with pytest.raises(ChangedMeanwhile):
        confirm_draft(first, seal="another")
    confirm_draft(first, seal=seal)
    with pytest.raises(ImportDraft.DoesNotExist):
        confirm_draft(second, seal=seal)
    assert (Insured.objects.count(), Quote.objects.count()) == (1, 1)
