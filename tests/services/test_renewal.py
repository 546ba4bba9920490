"""Renewing an insured: what is copied, what becomes the incumbent, and what stays as it was."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from quotes.models import Insured, QuoteLine, Run, Solution
from quotes.services import details
from quotes.services.origins import How, origin_of
from quotes.services.renewal import (
    AlreadyRenewed,
    next_effective_date,
    packages_to_choose,
    renew_insured,
)
from quotes.services.submission import build_request
from tests.factories import import_example, import_value, make_people
from tests.runs import completed_run, failed_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def insured(people: Any) -> Insured:
    return import_example(owner=people["broker"]).insured


def renew(insured: Insured, solution: Solution | None = None, **more: Any) -> Insured:
    how: dict[str, Any] = {"effective": None, "with_quotes": False, "seen": 0, **more}
    assert insured.owner is not None
    new = renew_insured(insured=insured, user=insured.owner, solution=solution, **how)
    rows = Insured.objects.prefetch_related("drivers", "vehicles", "incumbents")
    return rows.get(pk=new.pk)


def sent(insured: Insured) -> dict[str, Any]:
    """The `input` value that the insured would be sent with, without quotes."""
    rows = Insured.objects.prefetch_related("drivers", "vehicles", "incumbents")
    whole = rows.get(pk=insured.pk)
    body = build_request(insured=whole, quotes=[], coverage_types=insured.requested_lines).body
    value: dict[str, Any] = body["input"]
    return value


def frozen() -> list[Any]:
    """Everything of every run, solution, quote and line, as the database holds it."""
    return [
        list(model._default_manager.order_by("pk").values()) for model in (Run, Solution, QuoteLine)
    ]


def test_a_renewal_says_the_same_household_with_the_date_moved(insured):
    before = sent(insured)
    new = renew(insured, effective=dt.date(2028, 1, 1))
    assert new.renewal_of == insured
    assert new.owner == insured.owner
    assert sent(new) == before | {"effective_date": "2028-01-01"}
    assert not new.quotes.exists()
    assert not new.runs.exists()


def test_without_a_date_none_is_stated(insured):
    assert "effective_date" not in sent(renew(insured))


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("2027-01-01", dt.date(2028, 1, 1)),
        (" 2026-06-30 ", dt.date(2027, 6, 30)),
        ("2028-02-29", dt.date(2029, 2, 28)),
        ("2027-02-30", None),
        ("soon", None),
        (20270101, None),
        ("", None),
        (None, None),
        ("9999-01-01", None),
    ],
)
def test_the_next_effective_date_is_a_year_after_the_stated_one(stated, expected):
    assert next_effective_date(Insured(document={"effective_date": stated})) == expected


def test_the_insured_renewed_and_its_runs_stay_byte_for_byte(people, insured):
    run = completed_run(people["broker"], insured=insured)
    solution = run.solutions.all()[0]
    body, before, was = bytes(run.request_body), frozen(), sent(insured)
    old = Insured.objects.values().get(pk=insured.pk)
    renew(insured, solution, effective=dt.date(2028, 1, 1))
    assert frozen() == before
    assert bytes(Run.objects.get(pk=run.pk).request_body) == body
    assert sent(insured) == was
    # Only the key by which an import knows the household has moved.
    assert Insured.objects.values().get(pk=insured.pk) == old | {"identity_key": ""}


def test_a_later_import_of_the_household_meets_the_renewal(people, insured):
    new = renew(insured)
    again = import_example(owner=people["broker"])
    assert again.insured == new
    assert Insured.objects.count() == 2


def test_a_package_becomes_what_is_in_force(people, insured):
    run = completed_run(people["broker"], insured=insured)
    solution = run.solutions.prefetch_related("lines__carrier")[0]
    new = renew(insured, solution)
    lines = {line.category: line for line in solution.lines.all()}
    policies = {policy.line: policy for policy in new.incumbents.all()}
    assert set(policies) == set(lines) == {"home", "auto", "umbrella"}
    for line, policy in policies.items():
        assert policy.carrier == lines[line].carrier
        assert policy.annual_premium == lines[line].line_premium_annual
    in_force = sent(new)["current_coverage"]
    offering = next(o for o in run.request["offerings"] if o["id"] == lines["home"].offering_id)
    assert in_force["home"]["coverage_a_dwelling"] == offering["coverage"]["coverage_a_dwelling"]
    # Nothing of the policies before: not their numbers, not their ends.
    assert "policy_number" not in in_force["home"]
    assert "program_type" not in in_force["home"]
    total = sum((p.annual_premium or Decimal(0) for p in policies.values()), Decimal(0))
    assert sent(new)["premium"] == total


def test_the_coverage_is_what_was_sent_whatever_was_edited_since(people, insured):
    run = completed_run(people["broker"], insured=insured)
    solution = run.solutions.prefetch_related("lines__carrier")[0]
    home = next(line for line in solution.lines.all() if line.category == "home")
    quoted = home.quote_line
    assert quoted is not None
    details.set_detail(quoted, "coverage_a", "2M")
    quoted.premium_annual = Decimal(1)
    quoted.save()
    new = renew(insured, solution)
    policy = new.incumbents.get(line="home")
    assert policy.annual_premium == home.line_premium_annual
    assert policy.document["coverage_a_dwelling"] != 2_000_000


def test_a_line_the_package_does_not_hold_stays_in_force(people, insured):
    run = completed_run(people["broker"], insured=insured)
    solution = run.solutions.all()[0]
    solution.lines.filter(category="umbrella").delete()
    new = renew(insured, Solution.objects.get(pk=solution.pk))
    umbrella = new.incumbents.get(line="umbrella")
    assert umbrella.carrier_name == "Tidewater Specialty"
    assert umbrella.document["policy_number"] == "TWS-EXAMPLE-3"


def test_a_premium_that_was_not_given_is_not_stated_and_no_total_is(people, insured):
    run = completed_run(people["broker"], insured=insured)
    solution = run.solutions.all()[0]
    solution.lines.filter(category="auto").update(line_premium_annual=None)
    new = renew(insured, Solution.objects.get(pk=solution.pk))
    assert new.incumbents.get(line="auto").annual_premium is None
    assert "premium" not in sent(new)


def test_pressing_twice_makes_one_and_meaning_it_makes_another(insured):
    first = renew(insured, seen=0)
    with pytest.raises(AlreadyRenewed) as caught:
        renew(insured, seen=0)
    assert caught.value.insured == first
    second = renew(insured, seen=1)
    assert set(insured.renewals.all()) == {first, second}


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_the_same_moment_make_one():
    insured = import_example(owner=make_people()["broker"]).insured
    together = Barrier(2)

    def press(_: int) -> bool:
        try:
            together.wait()
            renew(insured, seen=0)
        except AlreadyRenewed:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as hands:
        assert sorted(hands.map(press, range(2))) == [False, True]
    assert insured.renewals.count() == 1


def test_a_renewal_is_renewed_in_its_turn_and_the_key_goes_along(people, insured):
    second = renew(renew(insured))
    assert import_example(owner=people["broker"]).insured == second


def test_quotes_are_copied_without_prices_where_that_is_wanted(insured):
    new = renew(insured, with_quotes=True)
    old_shape = [
        (q.carrier, q.carrier_name, q.term_months, [line.line for line in q.lines.all()])
        for q in insured.quotes.all()
    ]
    copied = list(new.quotes.all())
    assert [
        (q.carrier, q.carrier_name, q.term_months, [line.line for line in q.lines.all()])
        for q in copied
    ] == old_shape
    for quote in copied:
        assert quote.package_premium_annual is None
        assert (quote.package_id, quote.expires_at, quote.generated_at) == ("", None, None)
        for line in quote.lines.all():
            assert (line.premium_annual, line.quote_ref, line.product_name) == (None, "", "")


def test_every_value_says_that_it_was_copied(people, insured):
    run = completed_run(people["broker"], insured=insured)
    new = renew(insured, run.solutions.all()[0], effective=dt.date(2028, 1, 1))
    for name in ("applicant_name", "drivers", "vehicles", "residence", "insurance_history"):
        origin = origin_of(new, name)
        assert origin is not None
        assert origin.words == "Copied from the term before"
    origin = origin_of(new, "incumbents.home")
    assert origin is not None
    assert origin.words == "Copied from run 1, rank 1"
    date = origin_of(new, "effective_date")
    assert date is not None
    assert date.how == How.TYPED


def test_packages_to_choose_come_latest_run_first_by_rank(people, insured):
    first = completed_run(people["broker"], insured=insured)
    failed_run(people["broker"], insured=insured)
    last = completed_run(people["broker"], insured=insured)
    found = packages_to_choose(insured)
    assert [each.run for each in found] == [last, first]
    ranks = [solution.rank for solution in found[0].solutions]
    assert ranks == list(range(1, len(ranks) + 1))
    assert found[0].more == 0


def test_an_insured_that_was_never_compared_has_none(people):
    assert packages_to_choose(import_value({}, people["broker"]).insured) == []


def test_a_premium_supposed_in_a_what_if_is_not_in_force(people, insured):
    run = completed_run(people["broker"], insured=insured)
    supposed = completed_run(people["broker"], insured=insured)
    home = next(each for each in run.request["offerings"] if each["category"] == "home")
    data = {"run": str(run.pk), "number": run.number, "repriced": 1, "said": "home cheaper"}
    supposed.note(at=supposed.created_at, kind="what_if", text="What-if", actor=None, data=data)
    # What the first run was sent is what counts as quoted.
    request = deepcopy(run.request)
    for each in request["offerings"]:
        if each["id"] == home["id"]:
            each["attributes"]["line_premium_annual"] += 500
    Run.objects.filter(pk=run.pk).update(request=request)
    solution = next(
        each
        for each in supposed.solutions.prefetch_related("lines__carrier")
        if any(line.offering_id == home["id"] for line in each.lines.all())
    )
    new = renew(insured, solution)
    policies = {policy.line: policy for policy in new.incumbents.all()}
    assert policies["home"].annual_premium is None
    assert policies["auto"].annual_premium is not None
    assert "premium" not in sent(new)
