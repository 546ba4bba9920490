"""Where imported documents state each detail: in which keys, in which spellings.

The keys are those of the guide's examples and of agencies' exports; what we write ourselves uses
the first of them (`wire`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from quotes.services import shorthand
from quotes.services.details.catalogue import BY_CODE, Kind, dollars_of
from quotes.services.details.reading import (
    Json,
    LimitKeys,
    Part,
    Path,
    Source,
    lenient,
    line_parts,
    offering_parts,
    parsed,
    paths_of,
    simple,
    values_at,
)
from quotes.services.shorthand.deductibles import MOST_SHARE

LIABILITY = LimitKeys(
    whole=paths_of("liability", "liability_limits", "bi_pd"),
    split=paths_of("bodily_injury", "bodily_injury_liability", "bi", "bi_limits"),
    per_person=paths_of("bodily_injury_per_person", "bi_per_person"),
    per_accident=paths_of("bodily_injury_per_accident", "bi_per_accident"),
    damage=paths_of("property_damage", "property_damage_liability", "pd"),
    combined=paths_of("combined_single_limit", "csl"),
)
UM_UIM = LimitKeys(
    whole=paths_of("um_uim", "uninsured_motorist", "um"),
    split=(),
    per_person=paths_of("um_uim_per_person"),
    per_accident=paths_of("um_uim_per_accident"),
    damage=(),
    combined=paths_of("um_uim_combined_single_limit"),
)
UNDER = "required_underlying."
REQUIRED_AUTO = LimitKeys(
    whole=paths_of(UNDER + "auto", UNDER + "auto_liability", UNDER + "auto_limits"),
    split=paths_of(UNDER + "auto_bodily_injury"),
    per_person=paths_of(UNDER + "auto_bodily_injury_per_person"),
    per_accident=paths_of(UNDER + "auto_bodily_injury_per_accident"),
    damage=paths_of(UNDER + "auto_property_damage"),
    combined=paths_of(UNDER + "auto_combined_single_limit", UNDER + "auto_csl"),
)


def _deductible_paths(trigger: str) -> tuple[Path, ...]:
    keys = [f"deductibles.{trigger}", f"deductible_{trigger}", f"{trigger}_deductible"]
    if trigger == "aop":
        keys += ["deductibles.all_other_perils", "deductibles.all_perils", "deductible"]
    return paths_of(*keys)


DEDUCTIBLE_PATHS = {trigger: _deductible_paths(trigger) for trigger in shorthand.TRIGGERS}


def _read_deductibles(parts: Sequence[Part]) -> Json:
    kind = BY_CODE["home", "deductibles"].kind
    for value in values_at(parts, ("deductibles",)):
        stated = lenient(kind, value)
        if stated is not None:
            return stated
    found = {}
    for trigger in shorthand.TRIGGERS:
        for value in values_at(parts, *DEDUCTIBLE_PATHS[trigger]):
            one = _deductible(value)
            if one is not None:
                found[trigger] = one
                break
    return found or None


def _deductible(value: Any) -> Json:
    """Dollars or "2%", whatever the trigger: that is said by the key."""
    try:
        if isinstance(value, str):
            read = shorthand.parse_deductibles(value)
            return next(iter(read.values())) if len(read) == 1 else None
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            # 0.02 and 2 may be dollars or a share: nobody can say.
            return dollars_of(Decimal(value)) if value == 0 or value > MOST_SHARE else None
    except (ValueError, ArithmeticError):
        pass
    return None


def _vehicles(code: str) -> Source:
    kind = BY_CODE["auto", code].kind
    paths = paths_of(f"{code}_deductible", f"deductible_{code}", f"{code}_deductibles", code)

    def read(parts: Sequence[Part]) -> Json:
        for value in values_at(parts, *paths):
            stated = _each(value) if isinstance(value, list) else lenient(kind, value)
            if stated is not None:
                return stated
        for vehicles in values_at(parts, ("vehicles",)):
            if isinstance(vehicles, list):
                one = [next(values_at([v], *paths), None) for v in vehicles if isinstance(v, dict)]
                return _each(one)
        return None

    def _each(values: list[Any]) -> Json:
        stated = [lenient(kind, value) for value in values]
        if not stated or any(each is None or isinstance(each, list) for each in stated):
            return None
        alike = all(each == stated[0] for each in stated)
        return stated[0] if alike else stated

    return Source(read, (*paths, *(("vehicles", *path) for path in paths)))


def _read_rental(parts: Sequence[Part]) -> Json:
    kind = BY_CODE["auto", "rental"].kind
    for value in values_at(parts, *paths_of("rental", "rental_reimbursement")):
        stated = lenient(kind, value)
        if stated is not None:
            return stated
    day = _amount(parts, "rental_per_day")
    most = _amount(parts, "rental_most")
    if day is None or most is None or most < day:
        return None
    return {"per_day": day, "most": most}


def _amount(parts: Sequence[Part], key: str) -> int | Decimal | None:
    stated = (lenient(BY_CODE["home", "paid_in_full"].kind, v) for v in values_at(parts, (key,)))
    return next((value for value in stated if value is not None), None)


def _read_names(parts: Sequence[Part]) -> Json:
    for value in values_at(parts, ("excluded_drivers",)):
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return [" ".join(each.split())[:120] for each in value if each.strip()]
        if isinstance(value, str):
            return lenient(BY_CODE["auto", "excluded_drivers"].kind, value)
    return None


def _read_term(parts: Sequence[Part]) -> Json:
    premium = _amount(parts, "term_premium")
    for months in values_at(parts, ("term_premium_months",), ("term_months",)):
        whole = isinstance(months, int) and not isinstance(months, bool)
        if premium is not None and whole and 1 <= months <= 36 and months != 12:
            return {"premium": premium, "months": months}
    return None


def _read_fees(parts: Sequence[Part]) -> Json:
    for value in values_at(parts, ("fees",)):
        if isinstance(value, str):
            return lenient(BY_CODE["home", "fees"].kind, value)
    found = {
        kind: amount
        for kind, key in (("per_term", "fees_per_term"), ("once", "fees_once"))
        if (amount := _amount(parts, key)) is not None
    }
    return found or None


def _read_standalone(parts: Sequence[Part]) -> Json:
    for value in values_at(parts, ("standalone_confirmed",)):
        if isinstance(value, bool):
            price = _amount(parts, "standalone_premium_annual")
            return {"confirmed": value} | ({} if price is None else {"premium": price})
    return None


def _common(line: str) -> dict[str, Source]:
    return {
        "effective_date": simple(line, "effective_date", "effective_date", "policy_effective_date"),
        "term": Source(_read_term, paths_of("term_premium", "term_premium_months")),
        "fees": Source(_read_fees, paths_of("fees", "fees_per_term", "fees_once")),
        "paid_in_full": simple(
            line, "paid_in_full", "paid_in_full_premium_annual", "paid_in_full_premium",
            "paid_in_full",
        ),
        "standalone": Source(
            _read_standalone, paths_of("standalone_confirmed", "standalone_premium_annual")
        ),
        "status": simple(line, "status", "quote_status"),
    }  # fmt: skip


def _coverage(letter: str, *more: str) -> Source:
    code = f"coverage_{letter}"
    return simple("home", code, more[0], code, *more[1:])


SOURCES: dict[str, dict[str, Source]] = {
    "home": {
        "form": simple("home", "form", "form", "policy_form", "form_type"),
        "coverage_a": _coverage("a", "coverage_a_dwelling", "dwelling_limit"),
        "coverage_b": _coverage("b", "coverage_b_other_structures", "other_structures"),
        "coverage_c": _coverage(
            "c", "coverage_c_contents", "coverage_c_personal_property", "personal_property",
        ),
        "coverage_d": _coverage("d", "coverage_d_loss_of_use", "loss_of_use"),
        "coverage_e": _coverage(
            "e", "coverage_e_liability", "coverage_e_personal_liability", "personal_liability"
        ),
        "coverage_f": _coverage(
            "f", "coverage_f_medical", "coverage_f_medical_payments", "medical_payments"
        ),
        "valuation": simple("home", "valuation", "valuation", "replacement_cost",
                             "loss_settlement"),
        "water_backup": simple("home", "water_backup", "water_backup"),
        "ordinance_or_law": simple("home", "ordinance_or_law", "ordinance_or_law"),
        "deductibles": Source(
            _read_deductibles,
            tuple(path for paths in DEDUCTIBLE_PATHS.values() for path in paths),
            texts=(("deductibles",),),
        ),
        **_common("home"),
    },
    "auto": {
        "liability": LIABILITY.source(BY_CODE["auto", "liability"].kind),
        "um_uim": UM_UIM.source(BY_CODE["auto", "um_uim"].kind),
        "medical_payments": simple("auto", "medical_payments", "medical_payments", "med_pay"),
        "pip": simple("auto", "pip", "pip", "personal_injury_protection"),
        "comprehensive": _vehicles("comprehensive"),
        "collision": _vehicles("collision"),
        "rental": Source(
            _read_rental,
            paths_of("rental", "rental_reimbursement", "rental_per_day", "rental_most"),
        ),
        "towing": simple("auto", "towing", "towing", "towing_and_labor", "roadside_assistance"),
        "excluded_drivers": Source(_read_names, paths_of("excluded_drivers")),
        **_common("auto"),
    },
    "umbrella": {
        "limit": simple("umbrella", "limit", "limit", "umbrella_limit", "liability_limit"),
        "retention": simple("umbrella", "retention", "self_insured_retention", "retention", "sir"),
        "excess_um_uim": simple("umbrella", "excess_um_uim", "excess_um_uim"),
        "required_auto": REQUIRED_AUTO.source(BY_CODE["umbrella", "required_auto"].kind),
        "required_coverage_e": simple(
            "umbrella", "required_coverage_e", UNDER + "home_coverage_e_liability",
            UNDER + "home_coverage_e", UNDER + "coverage_e", UNDER + "home_liability",
        ),
        **_common("umbrella"),
    },
}  # fmt: skip


@dataclass(frozen=True)
class Documents:
    """What a line's documents say, taken apart once for all the details read of them: the
    quote's own words come before the offering's."""

    line: str
    own: Sequence[Part]
    sent: Sequence[Part]
    keys: frozenset[str]
    """Of all those parts."""

    @classmethod
    def of(cls, line: str, document: Any, offering: Any) -> Documents:
        own, sent = line_parts(document), offering_parts(offering)
        return cls(line, own, sent, frozenset().union(*own, *sent))

    def stated(self, code: str) -> tuple[Json, str] | None:
        """A detail's value and its text; None where they do not state it."""
        source = SOURCES[self.line][code]
        if source.keys.isdisjoint(self.keys):
            return None
        value = source.read(self.own)
        if value is None:
            value = source.read(self.sent)
        if value is None:
            return None
        return _read_back(BY_CODE[self.line, code].kind, value)


def document_details(line: str, document: Any, offering: Any) -> dict[str, Json]:
    """What the documents of a line state of every detail."""
    documents = Documents.of(line, document, offering)
    read = {code: documents.stated(code) for code in SOURCES[line]}
    return {code: found[0] for code, found in read.items() if found is not None}


def document_detail(line: str, code: str, document: Any, offering: Any) -> Json:
    """What the documents of a line state of one detail; None where they do not."""
    found = Documents.of(line, document, offering).stated(code)
    return None if found is None else found[0]


def _read_back(kind: Kind, value: Json) -> tuple[Json, str] | None:
    """The value and its text, where a field that shows that can be saved untouched: $850 for a
    dwelling cannot."""
    try:
        shown = kind.shown(value)
        return (value, shown) if parsed(kind, shown) == value else None
    except ValueError:
        return None
