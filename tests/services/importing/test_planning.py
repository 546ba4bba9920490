"""What becomes of a stated quote among what is stored: known again, changed, new, or unclear."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from quotes.models import Carrier, Insured, Quote, QuoteLine
from quotes.services.importing.planning import Plan, plan_import
from quotes.services.importing.preview import State
from quotes.services.importing.stated import StatedLine, StatedQuote
from quotes.services.intake import name_key

pytestmark = pytest.mark.django_db

ANA = {"applicant_name": "Ana Fable", "state": "CA", "zip_code": "92602"}


def stated(carrier: str = "Larkspur Mutual", row: int = 2, **more: Any) -> StatedQuote:
    """A quote of a row: `home` and `auto` are premiums, `home_ref` and `auto_ref` quote ids."""
    lines = {}
    for line in ("home", "auto"):
        columns = {
            "premium_annual": Decimal(more[line]) if line in more else None,
            "quote_ref": more.get(f"{line}_ref"),
        }
        held = {name: value for name, value in columns.items() if value is not None}
        if held:
            lines[line] = StatedLine(line, held, dict(more.get(f"{line}_details", {})))
    names = ("package_id", "package_premium_annual", "term_months")
    return StatedQuote(
        rows=[row],
        carrier_name=carrier,
        insured=dict(more.get("insured", ANA)),
        columns={name: more[name] for name in names if name in more},
        lines=lines,
        headings={"carrier_name": "Carrier", "applicant_name": "Insured"},
    )


def store(insured: Insured, carrier: str = "Larkspur Mutual", **more: Any) -> Quote:
    quote = Quote.objects.create(
        insured=insured,
        carrier=Carrier.objects.named(carrier),
        carrier_name=carrier,
        position=insured.quotes.count(),
        package_id=more.get("package_id", ""),
    )
    for line in ("home", "auto"):
        if line in more:
            QuoteLine.objects.create(
                quote=quote,
                line=line,
                premium_annual=Decimal(more[line]),
                quote_ref=more.get(f"{line}_ref", ""),
            )
    return quote


@pytest.fixture
def owner(people):
    return people["broker"]


@pytest.fixture
def ana(owner):
    return Insured.objects.create(
        owner=owner, identity_key=name_key("Ana Fable", "CA", "92602"), **ANA
    )


def planned(owner: Any, *quotes: StatedQuote, target: Insured | None = None) -> Plan:
    return plan_import(stated=quotes, owner=owner, target=target)


def states(plan: Plan) -> list[tuple[str, list[str]]]:
    return [(str(each.state), [str(q.state) for q in each.quotes]) for each in plan.insureds]


def messages(found: list[Any]) -> str:
    return " | ".join(str(each) for each in found)


class TestHouseholds:
    def test_rows_of_one_name_and_place_are_one_new_household(self, owner):
        plan = planned(owner, stated(home=4000), stated("Tidewater", row=3, home=3900))
        assert states(plan) == [("created", ["created", "created"])]
        assert plan.insureds[0].identity_key == name_key("Ana Fable", "CA", "92602")

    @pytest.mark.parametrize(
        "written",
        [
            ANA,
            {"applicant_name": "  ana   FABLE"},
            {"applicant_name": "Ana Fable", "state": "CA"},
        ],
    )
    def test_a_stored_household_is_known_by_as_much_as_is_stated(self, owner, ana, written):
        plan = planned(owner, stated(home=4000, insured=written))
        assert plan.insureds[0].stored == ana
        assert states(plan) == [("unchanged", ["created"])]

    @pytest.mark.parametrize(
        "elsewhere", [{"zip_code": "92603"}, {"state": "NV", "zip_code": "89002"}]
    )
    def test_the_same_name_at_another_place_is_another_household(self, owner, ana, elsewhere):
        plan = planned(owner, stated(home=4000, insured=ANA | elsewhere))
        assert states(plan) == [("created", ["created"])]

    def test_another_brokers_household_is_not_known(self, people, owner, ana):
        Insured.objects.filter(pk=ana.pk).update(owner=people["other"])
        assert states(planned(owner, stated(home=4000))) == [("created", ["created"])]

    def test_an_id_of_its_own_knows_it_whatever_the_name(self, owner, ana):
        Insured.objects.filter(pk=ana.pk).update(identity_key="id:h-7")
        plan = planned(
            owner, stated(home=1, insured={"insured_id": "h-7", "applicant_name": "Ana Fable-Ray"})
        )
        assert plan.insureds[0].stored == ana
        assert [(c.what, c.before, c.after) for c in plan.insureds[0].changes] == [
            ("Name", "Ana Fable", "Ana Fable-Ray")
        ]
        assert plan.insureds[0].identity_key == "id:h-7"

    def test_two_ids_are_two_households_though_one_of_the_name_is_stored(self, owner, ana):
        plan = planned(
            owner,
            *(stated(home=n, row=n, insured=ANA | {"insured_id": f"h-{n}"}) for n in (2, 3)),
            stated("Tidewater", row=4, home=4, insured={"insured_id": "h-3"}),
        )
        assert [each.stored for each in plan.insureds] == [ana, None]
        assert states(plan) == [("unchanged", ["created"]), ("created", ["created", "created"])]
        assert plan.insureds[1].identity_key == "id:h-3"

    def test_a_name_that_fits_several_is_not_guessed(self, owner, ana):
        Insured.objects.create(owner=owner, **ANA | {"zip_code": "92603"})
        plan = planned(owner, stated(home=4000, insured={"applicant_name": "Ana Fable"}))
        assert not plan.insureds
        assert "several households" in messages(plan.problems)
        assert "CA 92603" in messages(plan.problems)
        assert plan.problems[0].row == 2

    def test_a_renewed_household_goes_on_as_its_renewal(self, owner, ana):
        key, ana.identity_key = ana.identity_key, ""
        ana.save()
        renewal = Insured.objects.create(owner=owner, renewal_of=ana, identity_key=key, **ANA)
        for written in (ANA, {"applicant_name": "Ana Fable"}):
            plan = planned(owner, stated(home=4000, insured=written))
            assert plan.insureds[0].stored == renewal
            assert "its quotes go into the renewal" in messages(plan.warnings)

    def test_a_row_with_the_name_alone_joins_the_one_of_that_name_in_the_table(self, owner):
        plan = planned(
            owner,
            stated(home=1, insured={"applicant_name": "Ana Fable"}),
            stated("Tidewater", row=3, home=2),
        )
        assert states(plan) == [("created", ["created", "created"])]
        assert [q.stated.row for q in plan.insureds[0].quotes] == [2, 3]

    def test_the_name_alone_is_unclear_beside_two_of_that_name(self, owner):
        plan = planned(
            owner,
            stated(home=1),
            stated(home=2, row=3, insured=ANA | {"zip_code": "92603"}),
            stated(home=3, row=4, insured={"applicant_name": "Ana Fable"}),
        )
        assert "row 4, Insured: Ana Fable is the name of several" in messages(plan.problems)

    def test_rows_that_contradict_each_other_about_one_household(self, owner):
        plan = planned(
            owner,
            stated(home=1, insured=ANA | {"city": "Irvine"}),
            stated("Tidewater", row=3, home=2, insured=ANA | {"city": "Tustin"}),
        )
        assert 'City is "Tustin" here and "Irvine" in row 2' in messages(plan.problems)

    def test_the_longer_zip_code_completes_the_shorter(self, owner, ana):
        plan = planned(owner, stated(home=1, insured=ANA | {"zip_code": "92602-1234"}))
        assert [c.after for c in plan.insureds[0].changes] == ["92602-1234"]
        Insured.objects.filter(pk=ana.pk).update(zip_code="92602-1234")
        assert states(planned(owner, stated(home=1))) == [("unchanged", ["created"])]

    def test_what_the_household_did_not_state_is_filled_in(self, owner, ana):
        plan = planned(owner, stated(home=1, insured=ANA | {"city": "Irvine"}))
        assert [(c.what, c.before, c.after) for c in plan.insureds[0].changes] == [
            ("City", "—", "Irvine")
        ]

    def test_it_cannot_take_the_name_and_place_of_another(self, owner, ana):
        Insured.objects.create(owner=owner, identity_key="name:x", applicant_name="Bo Ray")
        plan = planned(
            owner,
            stated(home=1, insured=ANA),
            target=Insured.objects.create(owner=owner, applicant_name="Ana Fable"),
        )
        assert "another of your insureds has this name" in messages(plan.problems)


class TestTheInsuredItWasOpenedFor:
    def test_takes_rows_that_name_nobody(self, owner, ana):
        plan = planned(owner, stated(home=1, insured={}), target=ana)
        assert plan.insureds[0].stored == ana
        assert not plan.problems

    def test_without_one_they_are_a_problem_told_once(self, owner):
        plan = planned(owner, *(stated(home=1, row=row, insured={}) for row in (2, 3, 4)))
        # The third and second say the same as the first.
        assert len(plan.problems) == 1
        assert "names no insured" in messages(plan.problems)
        many = planned(owner, *(stated(home=row, row=row, insured={}) for row in (2, 3, 4)))
        assert messages(many.problems).startswith("3 quotes name no insured, first in row 2")

    def test_rows_that_name_another_are_refused(self, owner, ana):
        plan = planned(owner, stated(home=1, insured={"applicant_name": "Bo Ray"}), target=ana)
        assert "names Bo Ray, but this import was opened for Ana Fable" in messages(plan.problems)
        assert not plan.insureds


class TestWhichQuoteItIs:
    """(stored, stated) → what becomes of the stated ones, and how many quotes there are then."""

    @pytest.mark.parametrize(
        ("before", "now", "expected"),
        [
            # By package id, whatever else differs.
            ([{"package_id": "P", "home": 1}], [{"package_id": "P", "home": 2}], ["changed"]),
            ([{"package_id": "P", "home": 1}], [{"package_id": "P", "home": 1}], ["unchanged"]),
            # Another package id is another package, also of the only quote of the carrier.
            ([{"package_id": "P", "home": 1}], [{"package_id": "R", "home": 1}], ["created"]),
            # By carrier and quote ids.
            (
                [{"home": 1, "home_ref": "a"}, {"home": 1, "home_ref": "b"}],
                [{"home": 9, "home_ref": "b"}],
                ["changed"],
            ),
            # The only one of the carrier on both sides: a price list given anew.
            ([{"home": 1}], [{"home": 2}], ["changed"]),
            ([{"home": 1, "home_ref": "a"}], [{"home": 2, "home_ref": "b"}], ["changed"]),
            # Two options of one carrier without an id, the same again.
            ([{"home": 1}, {"home": 2}], [{"home": 2}, {"home": 1}], ["unchanged", "unchanged"]),
            # One of two options has a new price: the other is known, so it is clear which.
            ([{"home": 1}, {"home": 2}], [{"home": 1}, {"home": 3}], ["unchanged", "changed"]),
            # Unclear: none of them fits.
            ([{"home": 1}, {"home": 2}], [{"home": 3}], ["created"]),
            # An empty cell states nothing.
            ([{"home": 1, "auto": 5}], [{"home": 1}], ["unchanged"]),
            # A line that was not quoted before.
            ([{"home": 1}], [{"home": 1, "auto": 5}], ["changed"]),
        ],
    )
    def test_by_the_surest_sign(self, owner, ana, before, now, expected):
        for each in before:
            store(ana, **each)
        plan = planned(owner, *(stated(row=n, **each) for n, each in enumerate(now, start=2)))
        assert states(plan) == [("unchanged", expected)]

    def test_where_it_is_unclear_it_is_added_and_said(self, owner, ana):
        store(ana, home=1)
        store(ana, home=2)
        plan = planned(owner, stated(home=3))
        assert "it is added as another" in messages(plan.warnings)

    def test_another_carriers_quote_is_never_taken(self, owner, ana):
        store(ana, "Tidewater Casualty", home=1)
        assert states(planned(owner, stated(home=1))) == [("unchanged", ["created"])]

    def test_a_package_stands_once_in_a_table(self, owner):
        plan = planned(owner, stated(package_id="P", home=1), stated(row=3, package_id="P", home=2))
        assert "P is the package id of row 2 too" in messages(plan.problems)

    def test_the_same_row_twice_is_taken_once(self, owner):
        plan = planned(owner, stated(home=1), stated(row=3, home=1))
        assert states(plan) == [("created", ["created"])]
        assert "row 3: says the same as row 2" in messages(plan.warnings)


class TestChanges:
    def test_are_told_from_and_to(self, owner, ana):
        store(ana, package_id="P", home="4100", home_ref="H-1")
        plan = planned(
            owner,
            stated(package_id="P", home="3950.50", home_ref="H-1", term_months=6, auto="2000"),
        )
        quote = plan.insureds[0].quotes[0]
        assert quote.state == State.CHANGED
        assert [(c.what, c.before, c.after) for c in quote.changes] == [
            ("Term", "—", "6 months"),
            ("Home premium", "$4,100", "$3,950.50"),
            ("Auto", "—", "added, $2,000"),
        ]

    def test_zero_is_stated_and_not_the_same_as_nothing(self, owner, ana):
        store(ana, package_id="P", home="4100")
        plan = planned(owner, stated(package_id="P", home="0"))
        assert plan.insureds[0].quotes[0].changes[0].after == "$0"

    def test_a_package_that_changes_its_carrier_is_told(self, owner, ana):
        store(ana, "Harbour Mutual", package_id="P", home=1)
        plan = planned(owner, stated("Harbor Mutual", package_id="P", home=1))
        assert [(c.what, c.before, c.after) for c in plan.insureds[0].quotes[0].changes] == [
            ("Carrier", "Harbour Mutual", "Harbor Mutual")
        ]

    def test_details_in_other_words_are_no_change(self, owner, ana):
        quote = store(ana, package_id="P", home=1)
        line = quote.lines.get()
        line.details = {"form": {"typed": "ho5", "value": "HO-5"}}
        line.save()
        same = planned(owner, stated(package_id="P", home=1, home_details={"form": "HO-5"}))
        assert states(same) == [("unchanged", ["unchanged"])]
        other = planned(owner, stated(package_id="P", home=1, home_details={"form": "ho3"}))
        assert [(c.what, c.before, c.after) for c in other.insureds[0].quotes[0].changes] == [
            ("Home form", "HO-5", "HO-3")
        ]


class TestCarriers:
    @pytest.mark.parametrize("spelling", ["LARKSPUR mutual", "Larkspur Mutual Insurance Co."])
    def test_are_known_by_every_spelling(self, owner, spelling):
        known = Carrier.objects.named("Larkspur Mutual")
        plan = planned(owner, stated(spelling, home=1))
        assert not plan.new_carriers
        assert plan.insureds[0].quotes[0].carrier.pk == known.pk

    def test_two_spellings_of_one_new_carrier_are_one(self, owner):
        plan = planned(owner, stated("Fable", home=1), stated("Fable Insurance", row=3, home=2))
        assert [each.name for each in plan.new_carriers] == ["Fable"]

    def test_a_likely_slip_is_pointed_out(self, owner):
        Carrier.objects.named("Harbor Mutual")
        plan = planned(owner, stated("Harbour Mutual", row=4, home=1))
        assert "row 4, Carrier: Harbour Mutual is a new carrier. Did you mean Harbor Mutual?" in (
            messages(plan.warnings)
        )
        assert not plan.problems

    def test_a_slip_within_the_table_is_too(self, owner):
        plan = planned(
            owner, stated("Harbor Mutual", home=1), stated("Harbour Mutual", row=3, home=2)
        )
        assert "Did you mean Harbor Mutual?" in messages(plan.warnings)

    def test_another_name_is_only_said_to_be_new(self, owner):
        Carrier.objects.named("Harbor Mutual")
        plan = planned(owner, stated("Quillback National", home=1))
        assert messages(plan.warnings) == "row 2, Carrier: Quillback National is a new carrier"


@pytest.mark.parametrize("rows", [3, 60])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    owner, ana, rows, django_assert_num_queries
):
    for number in range(rows):
        store(ana, package_id=f"P-{number}", home=number)
    quotes = [
        stated(package_id=f"P-{number}", row=number + 2, home=number + 1) for number in range(rows)
    ]
    with django_assert_num_queries(5):
        plan = planned(owner, *quotes)
    assert states(plan) == [("unchanged", ["changed"] * rows)]
