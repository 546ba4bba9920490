"""What is told of an insured that changed since one of its runs was sent."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from quotes.models import Carrier, Driver, Insured, Quote, QuoteLine, Run, Vehicle
from quotes.services import details
from quotes.services.since_run import changes_since
from tests.factories import import_example, queued_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(people: Any) -> Run:
    return queued_run(insured=import_example(owner=people["broker"]).insured)


def told(run: Run) -> list[str]:
    rows = Insured.objects.prefetch_related("drivers", "vehicles", "incumbents")
    insured = rows.get(pk=run.insured_id)
    return changes_since(
        Run.objects.get(pk=run.pk), insured, list(insured.quotes.prefetch_related("lines"))
    )


def larkspur(insured: Insured) -> Quote:
    return insured.quotes.get(package_id="pkg_larkspur_001")


def line(insured: Insured, name: str = "home") -> QuoteLine:
    return larkspur(insured).lines.get(line=name)


def change_premium(insured: Insured) -> None:
    QuoteLine.objects.filter(pk=line(insured).pk).update(premium_annual=Decimal("5700"))


def change_package(insured: Insured) -> None:
    insured.quotes.filter(package_id="pkg_larkspur_001").update(
        package_premium_annual=Decimal(11500), term_months=6
    )


def change_detail(insured: Insured) -> None:
    home = line(insured)
    details.set_detail(home, "coverage_a", "2M")
    home.save()


def delete_quote(insured: Insured) -> None:
    larkspur(insured).delete()


def empty_premium(insured: Insured) -> None:
    QuoteLine.objects.filter(pk=line(insured).pk).update(premium_annual=None)


def add_quote(insured: Insured) -> None:
    carrier = Carrier.objects.named("Fable Mutual")
    quote = Quote.objects.create(insured=insured, carrier=carrier, carrier_name="Fable Mutual")
    for name, premium in (("home", 5000), ("auto", 4000)):
        QuoteLine.objects.create(quote=quote, line=name, premium_annual=premium)


def move(insured: Insured) -> None:
    Insured.objects.filter(pk=insured.pk).update(street="1 Fable Road", zip_code="92649")


def repair_roof(insured: Insured) -> None:
    insured.document["residence"]["roof_year"] = 2026
    insured.save()


def change_drivers(insured: Insured) -> None:
    first = insured.drivers.order_by("position")[0]
    first.years_licensed = 30
    first.save()
    insured.drivers.get(name="Juniper Fairweather").delete()
    Driver.objects.create(insured=insured, name="Bo Fiction", position=9)


def add_vehicle(insured: Insured) -> None:
    Vehicle.objects.create(insured=insured, year=2025, make="Fable", model="One", position=9)


def change_incumbent(insured: Insured) -> None:
    insured.incumbents.filter(line="home").update(annual_premium=6100)
    insured.incumbents.get(line="umbrella").delete()


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (lambda insured: None, []),
        (change_premium, ["Larkspur Mutual home premium $5,890.40 → $5,700"]),
        (
            change_package,
            [
                "Larkspur Mutual package premium $11,985 → $11,500",
                "Larkspur Mutual term 12 → 6",
            ],
        ),
        (delete_quote, ["Larkspur Mutual home, auto and umbrella taken out"]),
        (empty_premium, ["Larkspur Mutual home taken out"]),
        (add_quote, ["Fable Mutual home $5,000 and auto $4,000 added"]),
        (
            move,
            [
                "Address, street 18 Pretend Cove Lane → 1 Fable Road",
                "Address, zip code 92648 → 92649",
            ],
        ),
        (repair_roof, ["Residence, roof year 2016 → 2026"]),
        (
            change_drivers,
            [
                "Driver Marigold Fairweather: years licensed changed",
                "Driver Juniper Fairweather taken out",
                "Driver Bo Fiction added",
            ],
        ),
        (add_vehicle, ["Vehicle 2025 Fable One added"]),
        (
            change_incumbent,
            ["Home in force, annual premium $5,980 → $6,100", "Umbrella in force taken out"],
        ),
    ],
)
def test_what_changed_is_told(run: Run, act: Callable[[Insured], Any], expected: list[str]):
    act(run.insured)
    assert told(run) == expected


def test_a_detail_that_changed_is_named(run):
    change_detail(run.insured)
    (said,) = told(run)
    assert said.startswith("Larkspur Mutual home: ")
    assert said.endswith(" changed")
    assert "dwelling" in said


def test_the_lines_chosen_then_are_what_is_compared(people):
    insured = import_example("home_only.json", people["broker"]).insured
    run = queued_run(insured=insured)
    add_quote(insured)
    # Its auto was not asked for then, so it says nothing of what would be sent otherwise.
    assert told(run) == ["Fable Mutual home $5,000 added"]


def test_a_quoted_line_that_the_run_left_out_is_no_change(people):
    """A run from the command line may have sent fewer offerings than there are quoted lines."""
    insured = import_example(owner=people["broker"]).insured
    run = queued_run(insured=insured)
    request = run.request
    request["offerings"] = request["offerings"][1:]
    Run.objects.filter(pk=run.pk).update(request=request)
    assert told(run) == []


def test_telling_reads_and_writes_nothing(run, django_assert_num_queries):
    rows = Insured.objects.prefetch_related("drivers", "vehicles", "incumbents")
    insured = rows.get(pk=run.insured_id)
    quotes = list(insured.quotes.prefetch_related("lines"))
    with django_assert_num_queries(0):
        changes_since(run, insured, quotes)


def test_nothing_that_is_edited_changes_what_the_run_sent(run):
    body, request = bytes(run.request_body), Run.objects.get(pk=run.pk).request
    for act in (change_premium, change_detail, add_quote, move, change_drivers, change_incumbent):
        act(run.insured)
    delete_quote(run.insured)
    again = Run.objects.get(pk=run.pk)
    assert bytes(again.request_body) == body
    assert again.request == request
