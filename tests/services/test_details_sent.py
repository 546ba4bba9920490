"""What is typed of a line reaches the wire, once, and takes nothing else with it."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quotes.models import Insured, Quote, QuoteLine
from quotes.services import details, reading
from quotes.services.submission import build_request
from tests import documents
from tests.factories import import_value

D = Decimal
KINDS = [(line, each.code) for line, found in details.DETAILS.items() for each in found]


def line_of(line: str, document: Any = None, offering: Any = None, **columns: Any) -> QuoteLine:
    """A quote line in memory, as an import leaves it."""
    return QuoteLine(
        line=line, document=document or {}, offering_document=offering or {}, **columns
    )


def shown(line: QuoteLine) -> dict[str, str]:
    return {code: stated.shown for code, stated in details.details_of(line).items()}


def household(line: str, document: Any = None, **package: Any) -> dict[str, Any]:
    stated = {"premium_annual": 1000, "quote_id": "q1", **(document or {})}
    return {
        "address": {"state": "OH", "zip_code": "43004"},
        "coverage_types": [line],
        "quotes": [{"carrier": "Fable Mutual", **package, line: stated}],
    }


def sent(insured: Insured, line: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The line of `input.quotes` (empty where it is not listed) and its offering, as sent."""
    quotes = list(insured.quotes.prefetch_related("lines"))
    body = build_request(insured=insured, quotes=quotes, coverage_types=[line]).body
    listed = body["input"].get("quotes") or [{}]
    return listed[0].get(line, {}), body["offerings"][0]


def type_in(insured: Insured, line: str, **typed: str) -> None:
    row = QuoteLine.objects.get(quote__insured=insured, line=line)
    for code, text in typed.items():
        details.set_detail(row, code, text)
    row.save()


ON_THE_WIRE: list[tuple[str, str, str, str, dict[str, Any]]] = [
    ("home", "form", "ho5", "coverage", {"form": "HO-5"}),
    ("home", "coverage_a", "1.2M", "coverage", {"coverage_a_dwelling": 1200000}),
    ("home", "coverage_b", "10%", "coverage", {"coverage_b_other_structures": "10%"}),
    ("home", "deductibles", "2500 aop, 2% hurr", "coverage",
     {"deductibles": {"aop": 2500, "hurricane": "2%"}}),
    ("auto", "liability", "250/500/100", "coverage",
     {"bodily_injury_per_person": 250000, "bodily_injury_per_accident": 500000,
      "property_damage": 100000}),
    ("auto", "liability", "500 CSL", "coverage", {"combined_single_limit": 500000}),
    ("auto", "um_uim", "none", "coverage", {"um_uim": "none"}),
    ("auto", "collision", "500, 1000, none", "coverage",
     {"collision_deductibles": [500, 1000, "none"]}),
    ("auto", "rental", "50/1500", "coverage", {"rental_per_day": 50, "rental_most": 1500}),
    ("auto", "towing", "no", "coverage", {"towing": "none"}),
    ("auto", "excluded_drivers", "none", "coverage", {"excluded_drivers": []}),
    ("umbrella", "limit", "5M", "coverage", {"limit": 5000000}),
    ("umbrella", "retention", "0", "coverage", {"self_insured_retention": 0}),
    ("umbrella", "required_auto", "250/500 or 500 CSL", "coverage",
     {"required_underlying": {"auto_bodily_injury_per_person": 250000,
                              "auto_bodily_injury_per_accident": 500000,
                              "auto_combined_single_limit": 500000}}),
    ("umbrella", "excess_um_uim", "yes", "coverage", {"excess_um_uim": True}),
    ("home", "effective_date", "1/15/2027", "attributes", {"effective_date": "2027-01-15"}),
    ("auto", "term", "500 / 6 mo", "attributes", {"term_premium": 500, "term_months": 6}),
    ("home", "fees", "$150 a term, $35 once", "attributes",
     {"fees_per_term": 150, "fees_once": 35}),
    ("home", "paid_in_full", "950", "attributes", {"paid_in_full_premium_annual": 950}),
    ("auto", "standalone", "confirmed 1,240", "attributes",
     {"standalone_confirmed": True, "standalone_premium_annual": 1240}),
    ("home", "status", "indication", "attributes", {"quote_status": "indicative"}),
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(("line", "code", "text", "part", "expected"), ON_THE_WIRE)
def test_a_typed_detail_travels_in_the_line_and_in_its_offering(
    line: str, code: str, text: str, part: str, expected: dict[str, Any]
) -> None:
    insured = import_value(household(line, term_months=12)).insured
    before = sent(insured, line)
    type_in(insured, line, **{code: text})
    for was, now in zip(before, sent(insured, line), strict=True):
        assert now[part].items() >= expected.items()
        added = {k: v for k, v in now[part].items() if (was.get(part) or {}).get(k) != v}
        assert added == expected
        other = "attributes" if part == "coverage" else "coverage"
        assert now.get(other) == was.get(other)
    assert sent(insured, line)[1]["coverage"]["program_type"] == "quoted_line"


EVERY_WAY: dict[tuple[str, str], str] = {
    ("home", "form"): "DP-3",
    ("home", "valuation"): "ACV",
    ("home", "deductibles"): "$7,500 AOP, 4% named storm",
    ("auto", "liability"): "300 CSL",
    ("auto", "comprehensive"): "100, 200",
    ("umbrella", "required_auto"): "100/300/50 or 300 CSL",
}
CROWDED: dict[str, Any] = {
    "home": {
        "form": "HO-3", "policy_form": "HO-3", "replacement_cost": "guaranteed",
        "deductible_aop": 1000, "deductibles": {"aop": 1000, "hurricane": "2%", "flood": 9},
        "coverage": {"coverage_a": 9, "coverage_a_dwelling": "odd", "form": "HO-5",
                     "later": {"kept": [1]}, "hurricane_deductible": "3%"},
        "attributes": {"status": "indicative", "effective_date": "2027-02-02"},
    },
    "auto": {
        "liability": "100/300", "bodily_injury": "50/100", "csl": 1, "collision": 5,
        "coverage": {"bodily_injury_per_person": 9, "combined_single_limit": "odd",
                     "um": "25/50", "medical_payments": 1000},
        "vehicles": [{"vehicle_id": "v1", "comprehensive_deductible": 500},
                     {"vehicle_id": "v2", "comprehensive": 250}],
        "rental": "30/900", "rental_reimbursement": True,
    },
    "umbrella": {
        "limit": 1000000, "coverage": {"limit": 2000000, "sir": 5},
        "required_underlying": {"auto": "250/500", "auto_csl": 500000, "boat": "300"},
    },
}  # fmt: skip


def each_typed(line: str, code: str) -> str:
    example = details.BY_CODE[line, code].placeholder.split(" or ")[0]
    return EVERY_WAY.get((line, code), example)


@pytest.mark.django_db
@pytest.mark.parametrize("with_offering", [False, True], ids=["quote", "offering"])
@pytest.mark.parametrize(("line", "code"), KINDS)
def test_nothing_sent_contradicts_what_was_typed_and_all_else_stays(
    line: str, code: str, with_offering: bool
) -> None:
    insured = import_value(crowded(line, with_offering)).insured
    was = said(insured, line)
    type_in(insured, line, **{code: each_typed(line, code)})
    row = QuoteLine.objects.get(quote__insured=insured)
    typed = details.details_of(row)[code].value
    for before, now in zip(was, said(insured, line), strict=True):
        assert now == {**before, code: typed}
    own = sent(insured, line)[0]
    # Of whatever else stood in the document nothing is lost.
    for kept in ("later", "flood", "boat", "vehicle_id"):
        assert (f'"{kept}"' in text(own)) == (f'"{kept}"' in text(crowded(line, False)))
    type_in(insured, line, **{code: ""})
    assert all(code not in each for each in said(insured, line))


def said(insured: Insured, line: str) -> list[dict[str, Any]]:
    """The details that the line as sent states, and those that its offering does."""
    own, offering = sent(insured, line)
    return [
        details.document_details(line, own, None),
        details.document_details(line, None, offering),
    ]


def crowded(line: str, with_offering: bool) -> dict[str, Any]:
    value = household(line, deepcopy(CROWDED[line]))
    if not with_offering:
        return value
    offering = {
        "id": "o1", "provider_name": "Fable Mutual", "category": line,
        "coverage": {"product_name": "Select", "program_type": "quoted_line",
                     **deepcopy(CROWDED[line])},
        "attributes": {"line_premium_annual": 1000, "quote_id": "q1"},
    }  # fmt: skip
    return {"input": value, "offerings": [offering]}


def text(value: Any) -> str:
    return documents.text_of(value).decode()


@pytest.mark.django_db
def test_an_offering_says_what_its_line_states_outside_coverage() -> None:
    document = {
        "form": "HO-5", "deductibles": {"aop": 2500, "hurricane": "2%"},
        "coverage": {"coverage_a_dwelling": 500000, "deductible_aop": 2500},
    }  # fmt: skip
    insured = import_value(household("home", document)).insured
    own, offering = sent(insured, "home")
    assert own == household("home", document)["quotes"][0]["home"]
    assert offering["coverage"]["form"] == "HO-5"
    assert offering["coverage"]["deductibles"] == {"aop": 2500, "hurricane": "2%"}
    assert "deductible_aop" not in offering["coverage"]


@pytest.mark.django_db
def test_an_edited_premium_takes_the_documents_term_premium_with_it() -> None:
    attributes = {"term_premium": 500, "term_months": 6}
    insured = import_value(household("auto", {"attributes": attributes})).insured
    row = QuoteLine.objects.get()
    assert details.premium_text(row) == "$500 / 6 mo"
    assert sent(insured, "auto")[0]["attributes"] == attributes
    details.set_premium(row, "1100")
    row.save()
    own, offering = sent(insured, "auto")
    assert own["premium_annual"] == 1100
    assert "term_premium" not in own["attributes"] | offering["attributes"]


@pytest.mark.django_db
@pytest.mark.parametrize("where", ["quote", "attributes", "line"])
def test_a_typed_term_is_the_lines_own_wherever_another_term_stands(where: str) -> None:
    other = {"term_months": 6}
    document = {"quote": {}, "attributes": {"attributes": other}, "line": other}[where]
    package = other if where == "quote" else {}
    insured = import_value(household("auto", document, **package)).insured
    type_in(insured, "auto", term="359 / mo")
    for each in sent(insured, "auto"):
        stated = details.details_of(line_of("auto", document=each, premium_annual=D(4308)))
        assert stated["term"].value == {"premium": 359, "months": 1}
        assert "term_months" not in each


@pytest.mark.django_db
def test_an_offerings_own_term_outlives_its_packages() -> None:
    price = {"line_premium_annual": 4310, "term_premium": 2155, "term_months": 6}
    offering = {"id": "o1", "provider_name": "Fable Mutual", "category": "auto",
                "coverage": {}, "attributes": {"quote_id": "q1", **price}}  # fmt: skip
    value = {"address": {"state": "OH", "zip_code": "43004"}, "coverage_types": ["auto"]}
    insured = import_value({"input": value, "offerings": [offering]}).insured
    Quote.objects.filter(insured=insured).update(term_months=None)
    assert sent(insured, "auto")[1]["attributes"].items() >= price.items()


@pytest.mark.django_db
def test_an_import_that_says_otherwise_than_before_drops_what_was_typed() -> None:
    value = household("home", {"form": "HO-3", "water_backup": 5000}, package_id="p1")
    insured = import_value(value).insured
    type_in(insured, "home", form="HO-5", water_backup="10k", coverage_a="1M")
    value["quotes"][0]["home"]["form"] = "HO-2"
    import_value(value)
    row = QuoteLine.objects.get(quote__insured=insured)
    assert shown(row) == {"form": "HO-2", "water_backup": "$10,000", "coverage_a": "$1,000,000"}
    assert "form" not in row.details


rare = settings(
    max_examples=40, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


@rare
@given(st.sampled_from(KINDS), documents.lines, st.booleans())
def test_typing_one_detail_leaves_everything_else_of_any_document(
    kind: tuple[str, str], stated: Any, listed: bool
) -> None:
    line, code = kind
    document = reading.decode(documents.text_of(stated))
    row = line_of(line, document, premium_annual=D(1000), quote=Quote(carrier_name="Fable"))
    before = deepcopy(document)
    now = deepcopy(document)
    details.lay_over_line(now, row)
    assert now == before
    details.set_detail(row, code, each_typed(line, code))
    details.lay_over_line(now, row)
    changed = {"coverage", "attributes", "deductibles"}
    assert {k: v for k, v in now.items() if k not in changed} == {
        k: v for k, v in before.items() if k not in changed
    }
    for part in ("coverage", "attributes"):
        if isinstance(before.get(part), dict):
            assert now[part].items() >= before[part].items()
    assert details.document_details(line, now, None)[code] == details.details_of(row)[code].value
