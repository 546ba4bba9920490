"""Details on the wire: what was typed, in the line of `input.quotes` and in its offering.

Limits, coverages and deductibles go under `coverage`, price and term under `attributes`. What
the document said of a detail that was typed anew is taken out wherever it stood, so that nothing
contradictory is sent; what nobody typed stays as it came.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from quotes.models import QuoteLine
from quotes.services.details.reading import Json, Path, line_parts, offering_parts
from quotes.services.details.sources import SOURCES, document_detail, document_details
from quotes.services.details.stated import detail_of, details_of, imported_details, overrides
from quotes.services.grouping import QuotedLine

ATTRIBUTES = frozenset(("effective_date", "term", "fees", "paid_in_full", "standalone", "status"))
LIMIT_KEYS = {
    "liability": ("bodily_injury_per_person", "bodily_injury_per_accident", "property_damage",
                  "combined_single_limit"),
    "um_uim": ("um_uim_per_person", "um_uim_per_accident", "", "um_uim_combined_single_limit"),
    "required_auto": ("auto_bodily_injury_per_person", "auto_bodily_injury_per_accident",
                      "auto_property_damage", "auto_combined_single_limit"),
}  # fmt: skip
UNDER = "required_underlying"


def keys_of(line: str, code: str, value: Json) -> list[tuple[Path, Json]]:
    """A detail's value as keys with numbers, such as (("deductibles", "aop"), 2500)."""
    keys: list[tuple[Path, Json]]
    if isinstance(value, dict) and code in LIMIT_KEYS:
        inner: Path = (UNDER,) if code == "required_auto" else ()
        names = zip(
            LIMIT_KEYS[code], ("per_person", "per_accident", "property_damage", "combined"),
            strict=True,
        )  # fmt: skip
        return [((*inner, key), value[name]) for key, name in names if name in value]
    if code == "deductibles":
        return [(("deductibles", trigger), item) for trigger, item in value.items()]
    if code in ("comprehensive", "collision"):
        several = "s" if isinstance(value, list) else ""
        return [((f"{code}_deductible{several}",), value)]
    if code == "rental" and isinstance(value, dict):
        return [(("rental_per_day",), value["per_day"]), (("rental_most",), value["most"])]
    if code == "term":
        return [(("term_premium",), value["premium"]), (("term_months",), value["months"])]
    if code == "fees" and isinstance(value, dict):
        return [((f"fees_{kind}",), amount) for kind, amount in value.items()]
    if code == "standalone":
        keys = [(("standalone_confirmed",), value["confirmed"])]
        if "premium" in value:
            keys.append((("standalone_premium_annual",), value["premium"]))
        return keys
    return [(SOURCES[line][code].paths[0], value)]


def lay_over_line(value: dict[str, Any], line: QuoteLine) -> None:
    """Lay what was typed of a line over its object in `input.quotes`, in place."""
    for code, entry in _changes(line).items():
        inner = [value.get(key) for key in ("coverage", "attributes", "limits")]
        _replace(value, [value, *inner], line.line, code, entry["value"])


def lay_over_offering(offering: dict[str, Any], line: QuoteLine) -> None:
    """Lay what was typed of a line over its offering, in place."""
    for code, entry in _changes(line).items():
        _replace(offering, offering_parts(offering), line.line, code, entry["value"])
    own = document_detail(line.line, "term", None, line.offering_document)
    now = document_detail(line.line, "term", None, offering)
    stated = detail_of(line, "term")
    if stated and own and now != stated.value:
        # A line's own term stands under the key of its package's, which was edited.
        _replace(offering, offering_parts(offering), line.line, "term", stated.value)


def take_out(document: Any, line: str, code: str) -> None:
    """Take what an offering, or a line of `input.quotes`, states of a detail out, in place."""
    _replace(document, line_parts(document), line, code, None)


def add_to_offering(offering: dict[str, Any], line: QuoteLine) -> None:
    """Say in an offering made of a line of `input.quotes` all that the line states: some of it
    stands outside `coverage` and `attributes`, and its term under the key of its package's."""
    own = document_details(line.line, None, offering)
    for code, stated in details_of(line).items():
        if own.get(code) != stated.value:
            _replace(offering, offering_parts(offering), line.line, code, stated.value)


def _changes(line: QuoteLine) -> dict[str, dict[str, Any]]:
    changes = overrides(line)
    was = QuotedLine(line.line, line.document, line.offering_document).columns()
    if line.premium_annual != was["premium_annual"] and "term" in imported_details(line):
        # The term's premium in the document is not true any more.
        changes.setdefault("term", {"typed": "", "value": None})
    return changes


def _replace(top: dict[str, Any], parts: Iterable[Any], line: str, code: str, value: Json) -> None:
    parts = [part for part in parts if isinstance(part, dict)]
    source = SOURCES[line][code]
    for part in parts:
        for path in source.paths:
            _remove(part, path)
        for path in source.texts:
            if not isinstance(part.get(path[0]), dict):
                _remove(part, path)
    if value is not None:
        for part in parts:
            for path, _ in keys_of(line, code, value):
                # A term's months may stand there without a premium, and then are no source.
                _remove(part, path)
        _write(top, parts, line, code, value)


def _write(
    top: dict[str, Any], parts: list[dict[str, Any]], line: str, code: str, value: Json
) -> None:
    name = "attributes" if code in ATTRIBUTES else "coverage"
    for path, item in keys_of(line, code, value):
        *outer, key = path
        part = next((p for p in parts if outer and isinstance(p.get(outer[0]), dict)), None)
        if part is None:
            part = _part(top, name)
        for step in outer:
            inner = part.get(step)
            if not isinstance(inner, dict):
                inner = part[step] = {}
            part = inner
        part[key] = item


def _part(top: dict[str, Any], name: str) -> dict[str, Any]:
    """`coverage` or `attributes` of a line or offering; the object itself where something else
    stands under that name."""
    if top.get(name) is None:
        top[name] = {}
    part = top[name]
    return part if isinstance(part, dict) else top


def _remove(part: Any, path: Path) -> None:
    """Take the value at `path` out; an object that is empty after that goes as well."""
    if isinstance(part, list):
        for each in part:
            _remove(each, path)
    elif isinstance(part, dict) and path[0] in part:
        if len(path) == 1:
            del part[path[0]]
            return
        inner = part[path[0]]
        _remove(inner, path[1:])
        if inner == {}:
            del part[path[0]]
