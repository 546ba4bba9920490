"""Line details: read from documents, laid over by what is typed, and said on the wire."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest

from quotes.models import QuoteLine
from quotes.services import details, reading
from quotes.services import documents as doc
from quotes.services.details.catalogue import BY_CODE, Kind
from quotes.services.details.reading import parsed
from quotes.services.details.sources import SOURCES
from tests import documents
from tests.factories import import_example

D = Decimal
KINDS = [(line, each.code) for line, found in details.DETAILS.items() for each in found]


def line_of(line: str, document: Any = None, offering: Any = None, **columns: Any) -> QuoteLine:
    """A quote line in memory, as an import leaves it."""
    return QuoteLine(
        line=line, document=document or {}, offering_document=offering or {}, **columns
    )


def shown(line: QuoteLine) -> dict[str, str]:
    return {code: stated.shown for code, stated in details.details_of(line).items()}


SPELLINGS: list[tuple[str, Any, dict[str, str]]] = [
    ("home", {"form": "HO-5"}, {"form": "HO-5"}),
    ("home", {"coverage": {"coverage_a_dwelling": 1150000}}, {"coverage_a": "$1,150,000"}),
    ("home", {"coverage_a": "1.2M"}, {"coverage_a": "$1,200,000"}),
    ("home", {"coverage": {"coverage_b": "10%"}}, {"coverage_b": "10%"}),
    ("home", {"coverage": {"coverage_f_medical": 5000}}, {"coverage_f": "$5,000"}),
    ("home", {"replacement_cost": "extended 25%"}, {"valuation": "extended RC 25%"}),
    ("home", {"replacement_cost": "guaranteed"}, {"valuation": "guaranteed RC"}),
    ("home", {"replacement_cost": "contents ACV"}, {"valuation": "contents ACV"}),
    ("home", {"deductibles": {"aop": 2500, "wind_hail": "2%"}},
     {"deductibles": "$2,500 AOP, 2% wind/hail"}),
    ("home", {"coverage": {"deductible_aop": 2500}}, {"deductibles": "$2,500 AOP"}),
    ("home", {"deductible_aop": 1000, "hurricane_deductible": "5%"},
     {"deductibles": "$1,000 AOP, 5% hurricane"}),
    ("home", {"deductibles": "$1,000 AOP; 2% hurr"}, {"deductibles": "$1,000 AOP, 2% hurricane"}),
    ("home", {"water_backup": 0}, {"water_backup": "$0"}),
    ("home", {"water_backup": False}, {"water_backup": "none"}),
    ("home", {"water_backup": None}, {}),
    ("auto", {"coverage": {"bodily_injury": "250/500", "property_damage": 100000}},
     {"liability": "250/500/100"}),
    ("auto", {"coverage": {"bodily_injury": {"per_person": 250000, "per_accident": 500000}}},
     {"liability": "250/500"}),
    ("auto", {"liability": "100/300/100"}, {"liability": "100/300/100"}),
    ("auto", {"coverage": {"combined_single_limit": 500000}}, {"liability": "500 CSL"}),
    # Property damage beside a combined limit is within it.
    ("auto", {"coverage": {"combined_single_limit": "500 CSL", "property_damage": 100000}},
     {"liability": "500 CSL"}),
    ("auto", {"coverage": {"um_uim": "250/500"}}, {"um_uim": "250/500"}),
    ("auto", {"coverage": {"um_uim": "500 CSL"}}, {"um_uim": "500 CSL"}),
    ("auto", {"um_uim": "rejected"}, {"um_uim": "none"}),
    ("auto", {"vehicles": [{"comprehensive_deductible": 500, "collision_deductible": 1000},
                           {"comprehensive_deductible": 500, "collision_deductible": 500}]},
     {"comprehensive": "$500", "collision": "$1,000, $500"}),
    ("auto", {"vehicles": [{"collision_deductible": 500}, {}]}, {}),
    ("auto", {"collision_deductible": 500}, {"collision": "$500"}),
    ("auto", {"rental": "50/1500"}, {"rental": "$50/$1,500"}),
    ("auto", {"towing": True}, {"towing": "included"}),
    ("auto", {"excluded_drivers": ["Jo Fable"]}, {"excluded_drivers": "Jo Fable"}),
    ("auto", {"excluded_drivers": []}, {"excluded_drivers": "none"}),
    ("umbrella", {"coverage": {"limit": 2000000}}, {"limit": "$2,000,000"}),
    ("umbrella", {"self_insured_retention": 0}, {"retention": "$0"}),
    ("umbrella", {"required_underlying": {"auto_bodily_injury": "250/500",
                                          "home_coverage_e_liability": 300000}},
     {"required_auto": "250/500", "required_coverage_e": "$300,000"}),
    ("umbrella", {"excess_um_uim": False}, {"excess_um_uim": "no"}),
    ("umbrella", {"attributes": {"effective_date": "2027-01-01"}},
     {"effective_date": "1/1/2027"}),
    # What cannot be read is not stated, and never an error.
    ("home", {"coverage": {"coverage_a_dwelling": 850}}, {}),
    ("home", {"coverage": {"coverage_a_dwelling": -5, "coverage_b": [1]}}, {}),
    ("home", {"coverage": "broad", "deductibles": {"aop": "plenty", "hurricane": 0.02}}, {}),
    # Dollars or percent, dollars or thousands: nobody can say.
    ("home", {"coverage_b": 0.1, "ordinance_or_law": 25, "deductibles": {"hurricane": 2}}, {}),
    ("auto", {"csl": 500}, {}),
    ("auto", {"bi_per_person": 250, "bi_per_accident": 500}, {}),
    ("home", {"form": 5, "deductibles": 3, "coverage_c": {"x": 1}}, {}),
    ("auto", {"bodily_injury": "250/500", "combined_single_limit": 500000}, {}),
    ("auto", {"vehicles": 2, "bodily_injury": "500/250"}, {}),
    ("umbrella", {"required_underlying": "250/500", "coverage": {"limit": "five"}}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "document", "expected"), SPELLINGS)
def test_details_are_read_from_documents_in_the_spellings_in_use(
    line: str, document: Any, expected: dict[str, str]
) -> None:
    stated = reading.decode(documents.text_of(document))
    assert shown(line_of(line, stated)) == expected
    inner = stated.pop("coverage", {})
    flat = stated | inner if isinstance(inner, dict) else inner
    offering = {"coverage": flat, "attributes": stated.pop("attributes", None), "category": line}
    assert shown(line_of(line, None, offering)) == expected


def test_the_quotes_own_words_come_before_the_offerings() -> None:
    line = line_of("home", {"form": "HO-3"}, {"coverage": {"form": "HO-5", "coverage_b": "10%"}})
    assert shown(line) == {"form": "HO-3", "coverage_b": "10%"}


@pytest.mark.django_db
def test_the_example_states_what_its_file_says() -> None:
    quote = import_example().insured.quotes.get(package_id="pkg_larkspur_001")
    found = {line.line: details.summary(line) for line in quote.lines.all()}
    assert found == {
        "home": ["HO-5 · A $1.15M", "$2,500 AOP"],
        "auto": ["250/500/100", "$500 / $1,000"],
        "umbrella": ["$2M", "needs 250/500, E $300k"],
    }


def test_what_is_typed_wins_is_kept_as_typed_and_goes_when_emptied() -> None:
    line = line_of("home", {"form": "HO-3", "deductibles": {"aop": 1000}})
    assert details.set_detail(line, "form", "ho5")
    assert details.set_detail(line, "coverage_a", " 1.2m ")
    stated = details.details_of(line)
    assert (stated["form"].typed, stated["form"].shown) == ("ho5", "HO-5")
    assert (stated["coverage_a"].text, stated["coverage_a"].value) == ("1.2m", 1200000)
    assert stated["deductibles"].from_document
    assert not details.set_detail(line, "form", "ho5")
    # What the document says anyway is not stored twice.
    assert details.set_detail(line, "form", "HO 3")
    assert details.details_of(line)["form"].from_document
    assert details.set_detail(line, "deductibles", "")
    assert "deductibles" not in details.details_of(line)
    assert details.set_detail(line, "coverage_a", "")
    assert line.details == {"deductibles": {"typed": "", "value": None}}


@pytest.mark.parametrize("text", ["plenty", "500/250", "x" * 300, "\x00"])
def test_what_cannot_be_read_changes_nothing(text: str) -> None:
    line = line_of("auto", {"liability": "100/300"})
    with pytest.raises(ValueError, match=r"\."):
        details.set_detail(line, "liability", text)
    assert line.details == {}
    with pytest.raises(ValueError, match="no detail"):
        details.set_detail(line, "coverage_a", "1M")


def test_a_premium_of_another_term_gives_the_annual_premium_and_the_term_together() -> None:
    line = line_of("auto")
    assert details.set_premium(line, "2155 / 6 mo")
    assert line.premium_annual == D("4310.00")
    assert details.details_of(line)["term"].value == {"premium": 2155, "months": 6}
    assert details.summary(line) == ["6 months ×2, estimated"]
    assert details.premium_text(line) == "2155 / 6 mo"
    assert not details.set_premium(line, "2155 / 6 mo")
    # An annual premium given anew, by whatever way, leaves no term that contradicts it.
    line.premium_annual = D(4400)
    assert "term" not in details.details_of(line)
    assert details.premium_text(line) == "4400"
    assert details.set_premium(line, "4310")
    assert shown(line) == {}
    assert details.set_premium(line, "")
    assert (line.premium_annual, details.premium_text(line)) == (None, "")


@pytest.mark.parametrize(
    ("value", "dwelling", "dollars"),
    [
        ("2%", 1200000, D(24000)),
        ("2.5%", D("1234567"), D("30864.18")),
        (2500, None, D(2500)),
        ("2%", None, None),
        ("excluded", 1200000, None),
    ],
)
def test_a_percentage_deductible_is_one_of_coverage_a(
    value: Any, dwelling: Any, dollars: Any
) -> None:
    assert details.percent_in_dollars(value, dwelling) == dollars


def test_a_reading_says_percentages_in_dollars_where_coverage_a_is_known() -> None:
    read = details.parse_detail("home", "deductibles", "2500 aop, 2% hurr, EQ excluded")
    assert (
        details.reading("home", "deductibles", read, 1200000)
        == "$2,500 AOP, 2% hurricane ($24,000), earthquake excluded"
    )
    assert details.reading("home", "coverage_b", "10%", 1200000) == "10% ($120,000)"
    assert details.reading("home", "coverage_b", "10%", None) == "10%"


class Asked(dict[str, Any]):
    """A part of a document that states nothing and remembers what was looked for in it."""

    def __init__(self) -> None:
        self.keys_asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.keys_asked.add(key)
        return default


@pytest.mark.parametrize(("line", "code"), KINDS)
@pytest.mark.parametrize("value", [6, 250_000, "500k", "250/500/100", True, ["none"], {"aop": 9}])
def test_a_document_without_a_details_keys_says_nothing_of_it(line, code, value):
    """Such a document is not read for it at all."""
    source, part = SOURCES[line][code], Asked()
    source.read([part])
    assert source.keys & part.keys_asked
    for key in part.keys_asked - source.keys:
        assert source.read([{key: value}]) is None


def test_details_read_one_by_one_are_those_read_at_once():
    document = {
        "coverage": {"form": "HO-5", "coverage_a_dwelling": 1200000, "coverage_b": "10%"},
        "term_premium": 2155,
        "term_premium_months": 6,
    }
    line = line_of("home", document, premium_annual=D(4310), details={
        "coverage_b": {"typed": "", "value": None}, "status": {"typed": "final", "value": "final"},
    })  # fmt: skip
    read = details.LineDetails(line)
    assert "coverage_b" not in read
    assert read.get("no_such_detail") is None
    assert read["coverage_a"].shown == "$1,200,000"
    assert list(read.items()) == list(details.details_of(line).items())
    assert list(read) == ["form", "coverage_a", "status", "term"]
    assert len(read) == 4


NAMED = "Ann Fiction"
WORDED = [
    *(f"{text} {NAMED}" for text in ("$150 a term, $35 once for", "$2,500", "none", "$5,000 for")),
    *(f"{text} ({NAMED})" for text in ("HO-5", "250/500", "$1,000", "RC", "2%", "$40/$1,200")),
    NAMED,
]


@pytest.mark.parametrize(("line", "code"), KINDS)
def test_what_is_read_of_a_text_is_kept_where_it_can_hold_no_words_of_anybodys(
    line: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[str] = []

    def keeping(kind: Kind, text: str) -> Any:
        kept.append(text)
        return kind.parse(text)

    monkeypatch.setattr(import_module(parsed.__module__), "_parsed", keeping)
    kind = BY_CODE[line, code].kind
    for text in WORDED:
        with suppress(ValueError):
            parsed(kind, text)
            assert NAMED not in "".join(kept), f"read and kept: {text}"
        kept.clear()  # what cannot be read is not kept


def test_what_was_read_of_a_text_is_nobodys_to_change() -> None:
    kind = BY_CODE["auto", "liability"].kind
    parsed(kind, "250/500/100")["per_person"] = 1
    assert parsed(kind, "250/500/100")["per_person"] == 250_000


def test_only_what_is_written_as_a_moment_is_kept() -> None:
    before = doc._moment_said.cache_info().currsize
    for text in (f"call {NAMED}", "tomorrow", "2026-13-45 x"):
        assert doc.day_end(text) is None
    assert doc._moment_said.cache_info().currsize == before
    assert doc.day_end(" 2026-12-24 ") == doc.day_end("2026-12-24") is not None
