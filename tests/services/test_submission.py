"""What was imported is what is sent: the same JSON values, but for what must not be sent."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from quotes.models import Insured, Quote, QuoteLine, Role
from quotes.services import reading
from quotes.services.origins import How, Origin, mark
from quotes.services.readiness import NotReady
from quotes.services.runs import start_run
from tests import documents
from tests.factories import EXAMPLES, import_value, make_user
from tests.services.sending import imported_run, sent_for, sent_now

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_examples_are_sent_as_they_are(path: Any) -> None:
    raw = path.read_bytes()
    given_, sent = documents.values_of(raw), sent_for(raw)
    if "input" in given_:
        asked = given_["input"]["coverage_types"]
        given_["offerings"] = [o for o in given_["offerings"] if o["category"] in asked]
        assert sent == given_
    else:
        assert sent["input"] == given_
        lines = [(q, q[x]) for q in given_["quotes"] for x in given_["coverage_types"] if x in q]
        assert len(sent["offerings"]) == len(lines)


def offering(**changes: Any) -> dict[str, Any]:
    attributes = {
        "quote_id": "q1", "line_premium_annual": 1000, "package_premium_annual": 1900,
        "package_id": "p1",
    } | changes.pop("attributes", {})  # fmt: skip
    return {
        "id": "o1", "provider_name": "Larkspur Mutual", "category": "home",
        "coverage": {"product_name": "Select", "program_type": "quoted_line"},
        "attributes": attributes, **changes,
    }  # fmt: skip


def body(*offerings: Any, lines: Any = ("home",), **more: Any) -> dict[str, Any]:
    value = {
        "coverage_types": list(lines),
        "address": {"state": "CA", "zip_code": "92648"},
        "applicant": {"name": "Hollis Thornbury"},
        **more,
    }
    return {"input": value, "offerings": list(offerings)}


def send(value: Any) -> Any:
    return sent_for(json.dumps(value).encode())


@pytest.mark.parametrize("listed", [True, False])
def test_an_emptied_package_id_is_emptied_in_the_offering_too(listed: bool) -> None:
    package = {"carrier": "Larkspur Mutual", "package_id": "p1",
               "home": {"premium_annual": 1000, "quote_id": "q1"}}  # fmt: skip
    quotes = {"quotes": [package]} if listed else {}
    insured = import_value(body(offering(), **quotes)).insured
    quote = insured.quotes.get()
    quote.package_id = ""
    mark(quote, ["package_id"], Origin(How.TYPED))
    quote.save()
    request = sent_now(insured)
    assert "p1" not in json.dumps(request, default=str)


def test_two_home_options_in_one_package_are_both_sent_in_their_order() -> None:
    one, two = offering(), offering(id="o2", attributes={"quote_id": "q2"})
    auto = offering(id="o3", category="auto", attributes={"quote_id": "q3"})
    value = body(two, auto, one, lines=("home", "auto"))
    assert send(value) == value
    assert Quote.objects.count() == 2


def test_second_option_does_not_take_the_line_the_first_was_made_of() -> None:
    quote = {
        "package_id": "p1", "carrier": "Larkspur Mutual", "package_premium_annual": 1900,
        "home": {"quote_id": "q1", "premium_annual": 1000},
    }  # fmt: skip
    value = body(
        offering(id="o2", attributes={"quote_id": "q2", "line_premium_annual": 1200}),
        offering(),
        quotes=[quote],
    )
    assert send(value) == value
    assert QuoteLine.objects.get(quote_ref="q1").offering_id == "o1"
    assert QuoteLine.objects.get(quote_ref="q2").quote.in_input_quotes is False


def test_interleaved_offerings_keep_their_order_and_their_own_attributes() -> None:
    def each(number: int, package: int, category: str, **attributes: Any) -> dict[str, Any]:
        stated = {"quote_id": f"q{number}", "package_id": package, **attributes}
        return offering(id=number, category=category, attributes=stated)

    value = body(
        each(1, 71, "home", broker="Harbor Lane", term_months=12),
        each(2, 72, "home"),
        each(3, 71, "auto", quote_expires_at="2026-12-20"),
        each(4, 72, "auto", broker="Another", package_premium_annual=Decimal(5)),
        lines=("home", "auto"),
    )
    raw = documents.text_of(value)
    assert sent_for(raw) == documents.values_of(raw)
    assert [q.lines.count() for q in Quote.objects.all()] == [2, 2]


def test_quotes_are_sent_in_the_files_order_whatever_came_before() -> None:
    first, second = (
        {
            "package_id": p,
            "carrier": "Larkspur Mutual",
            "home": {"quote_id": p, "premium_annual": 1},
        }
        for p in ("a", "b")
    )
    value = body(quotes=[first, second])["input"]
    assert send(value)["input"] == value
    value["quotes"] = [second, first]
    assert send(value)["input"] == value


def test_offering_without_an_id_gets_one_that_lasts() -> None:
    value = body(offering(id=None), offering(id="", category="auto"), lines=("home", "auto"))
    ids = [each["id"] for each in send(value)["offerings"]]
    assert all(each.startswith("line_") for each in ids)
    assert len(set(ids)) == 2
    assert [each["id"] for each in send(value)["offerings"]] == ids


def test_same_offering_id_from_two_files_is_sent_once_and_both_lines_are_known() -> None:
    first = imported_run(json.dumps(body(offering(id="offering_1"))).encode())
    other = offering(
        id="offering_1",
        provider_name="Alder & Pine",
        attributes={"package_id": "p2", "quote_id": None, "line_premium_annual": 900},
    )
    second = imported_run(json.dumps(body(other)).encode())
    assert [o["id"] for o in second.request["offerings"]] == ["offering_1"]
    run = start_run(insured=first.insured, coverage_types=["home"], hint=False)
    sent = run.request["offerings"]
    mine, theirs = QuoteLine.objects.order_by("quote__position")
    assert [o["id"] for o in sent] == ["offering_1", f"line_{theirs.pk}"]
    assert [o["provider_name"] for o in sent] == ["Larkspur Mutual", "Alder & Pine"]
    assert run.offering_lines == {
        "offering_1": str(mine.pk),
        f"line_{theirs.pk}": str(theirs.pk),
    }


def test_an_id_made_of_a_line_that_another_line_came_with_is_not_sent_twice() -> None:
    insured = imported_run(json.dumps(body(offering(id=None))).encode()).insured
    line = QuoteLine.objects.get()
    borrowed = offering(
        id=f"line_{line.pk}", provider_name="Alder & Pine", attributes={"package_id": "p2"}
    )
    imported_run(json.dumps(body(borrowed)).encode())
    QuoteLine.objects.filter(pk=line.pk).update(position=99)
    run = start_run(insured=insured, coverage_types=["home"], hint=False)
    assert len(run.offering_lines) == len({o["id"] for o in run.request["offerings"]}) == 2


def test_sensitive_keys_and_current_portfolio_are_removed_and_listed() -> None:
    value = body(
        offering(SSN="078-05-1120"),
        drivers=[{"name": "Ada", "license_number": "D1", "licenseNo": "D2", "licensed": True}],
        current_portfolio={"home": 1},
    )
    value["taxId"] = "9"
    run = imported_run(json.dumps(value).encode())
    sent = bytes(run.request_body).decode()
    for hidden in ("078-05-1120", "D1", "D2", "taxId", "current_portfolio"):
        assert hidden not in sent
    assert '"licensed":true' in sent
    assert set(reading.read_document(json.dumps(value).encode()).removed) == {
        "offerings.0.SSN", "input.drivers.0.license_number", "input.drivers.0.licenseNo",
        "input.current_portfolio", "taxId",
    }  # fmt: skip


def test_offerings_of_lines_not_requested_are_kept_but_not_sent() -> None:
    value = body(offering(), offering(id="o2", category="auto", attributes={"quote_id": "q2"}))
    assert [o["id"] for o in send(value)["offerings"]] == ["o1"]
    assert QuoteLine.objects.filter(line="auto").exists()


def test_line_quoted_but_not_among_the_files_offerings_is_not_sent() -> None:
    lines = {x: {"quote_id": x, "premium_annual": 9} for x in ("home", "auto")}
    quote = {"package_id": "p1", "carrier": "Larkspur Mutual", **lines}
    other = {"package_id": "p2", "carrier": "Alder & Pine", **lines}
    auto = offering(id="o2", category="auto", attributes={"quote_id": "auto"})
    value = body(offering(), auto, lines=("home", "auto"), quotes=[quote, other])
    assert send(value) == value


def test_new_premium_in_quotes_reaches_an_offering_that_was_imported_earlier() -> None:
    quote: Any = {
        "package_id": "p1", "carrier": "Larkspur Mutual", "package_premium_annual": 1900,
        "home": {"quote_id": "q1", "premium_annual": 1000},
    }  # fmt: skip
    value = body(offering(quality_rating="A+"), quotes=[quote])
    assert send(value) == value
    quote["home"]["premium_annual"], quote["package_premium_annual"] = 1100.5, 2000
    sent = send(value["input"])["offerings"]
    expected = offering(quality_rating="A+")
    expected["attributes"] |= {
        "line_premium_annual": Decimal("1100.5"), "package_premium_annual": 2000
    }  # fmt: skip
    assert sent == [expected]


EDITS: dict[str, tuple[str, dict[str, Any], list[tuple[Any, ...]]]] = {
    "line premium": ("QuoteLine", {"premium_annual": Decimal("6000.10")}, [
        ("input", "quotes", 0, "home", "premium_annual"),
        ("offerings", 0, "attributes", "line_premium_annual"),
    ]),
    "product": ("QuoteLine", {"product_name": "New form"}, [
        ("input", "quotes", 0, "home", "product_name"),
        ("offerings", 0, "coverage", "product_name"),
    ]),
    "carrier": ("Quote", {"carrier_name": "Larkspur MUTUAL"}, [
        ("input", "quotes", 0, "carrier"), ("offerings", 0, "provider_name"),
        ("offerings", 1, "provider_name"), ("offerings", 2, "provider_name"),
    ]),
    "term": ("Quote", {"term_months": 6}, [
        ("input", "quotes", 0, "term_months"),
        *(("offerings", n, "attributes", "term_months") for n in range(3)),
    ]),
    "broker cleared": ("Quote", {"broker": ""}, [
        ("input", "quotes", 0, "broker"),
        *(("offerings", n, "attributes", "broker") for n in range(3)),
    ]),
    "city": ("Insured", {"city": "Elsewhere"}, [("input", "address", "city")]),
    "applicant": ("Insured", {"applicant_name": "Someone Else"}, [("input", "applicant")]),
    "vehicle": ("Vehicle", {"make": "Lada"}, [("input", "vehicles_detail", 0, "make")]),
    "driver": ("Driver", {"years_licensed": 3}, [("input", "drivers", 0, "years_licensed")]),
    "incumbent": ("IncumbentPolicy", {"annual_premium": Decimal(1)}, [
        ("input", "current_coverage", "home", "annual_premium"),
    ]),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("as_body", [False, True], ids=["input", "body"])
def test_an_edit_changes_that_value_and_no_other(name: str, as_body: bool) -> None:
    before = send(json.loads((EXAMPLES / "example_input.json").read_bytes()))
    if as_body:
        raw = documents.text_of(simple(before))
        Quote.objects.all().delete()
        assert sent_for(raw) == before
    model, columns, places = EDITS[name]
    insured = Insured.objects.get()
    rows: Any = {
        "Insured": Insured.objects.all(), "Quote": insured.quotes.all(),
        "QuoteLine": QuoteLine.objects.filter(quote=insured.quotes.all()[0], line="home"),
        "Vehicle": insured.vehicles.all(), "Driver": insured.drivers.all(),
        "IncumbentPolicy": insured.incumbents.filter(line="home"),
    }[model]  # fmt: skip
    row = rows[0]
    for attr, value in columns.items():
        setattr(row, attr, value)
    row.save()
    changed = set(differences(before, sent_now(insured)))
    allowed = [tuple(place) for place in places]
    assert {p for p in changed if not any(p[: len(a)] == a for a in allowed)} == set()
    assert all(any(p[: len(a)] == a for p in changed) for a in allowed)


def simple(value: Any) -> Any:
    """``values_of`` undone: a body that can be written again."""
    if isinstance(value, dict):
        return {key: simple(item) for key, item in value.items()}
    if isinstance(value, list):
        return [simple(item) for item in value]
    return {"<True>": True, "<False>": False}.get(value, value) if isinstance(value, str) else value


def differences(a: Any, b: Any, where: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(a, dict) and isinstance(b, dict):
        keys = [*a, *(key for key in b if key not in a)]
        return [p for k in keys for p in differences(a.get(k), b.get(k), (*where, k))]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [
            p
            for i, (x, y) in enumerate(zip(a, b, strict=True))
            for p in differences(x, y, (*where, i))
        ]
    return [] if a == b else [where]


def test_a_start_says_what_blocks_it_and_what_deserves_a_look() -> None:
    """Of all the insured's quotes, where none are named."""
    broker = make_user("broker", Role.BROKER.value)
    insured = import_value(body(offering()), owner=broker).insured
    told: list[Any] = []
    run = start_run(insured=insured, coverage_types=["home"], started_by=broker, warn=told.extend)
    assert len(run.offering_lines) == 1
    assert told, "a household without a date of birth deserves a look"
    with pytest.raises(NotReady) as stopped:
        start_run(insured=insured, coverage_types=["auto"], started_by=broker)
    assert stopped.value.args
    assert insured.runs.count() == 1
