"""What a quote line states: its documents' details with what was typed laid over them.

`QuoteLine.details` holds only what was typed beyond or against the documents, by code:
{"typed": the text, "value": what it says}; a null value says that the detail was emptied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from quotes.models import QuoteLine
from quotes.services import shorthand
from quotes.services.details.catalogue import (
    BY_CODE,
    DETAILS,
    Detail,
    Json,
    detail_named,
    parse_detail,
)
from quotes.services.details.sources import Documents, document_detail, document_details
from quotes.services.shorthand.amounts import number


@dataclass(frozen=True)
class StatedDetail:
    """One stated detail. `value` is as `parse_detail` gives it, `shown` its text, `typed` the
    text as it was typed; empty where the imported document states it."""

    code: str
    label: str
    value: Json
    shown: str
    typed: str = ""

    @property
    def from_document(self) -> bool:
        return not self.typed

    @property
    def text(self) -> str:
        """What a field holds: as typed, else as shown."""
        return self.typed or self.shown


def imported_details(line: QuoteLine) -> dict[str, Json]:
    """What the line's documents state, whatever was typed since."""
    return document_details(line.line, line.document, line.offering_document)


def overrides(line: QuoteLine) -> dict[str, dict[str, Any]]:
    """What was typed, by code, in the catalogue's order.

    A term's premium that does not come to the line's annual premium any more is one that was
    emptied: the annual premium was given anew since.
    """
    stored = line.details if isinstance(line.details, dict) else {}
    if not stored:
        return {}
    found = {d.code: stored[d.code] for d in DETAILS[line.line] if d.code in stored}
    term = found.get("term")
    if term and term["value"] is not None and not _makes_up(term["value"], line.premium_annual):
        found["term"] = {"typed": "", "value": None}
    return found


def _makes_up(term: Json, annual: Decimal | None) -> bool:
    return annual is not None and annual_of(term) == annual


def annual_of(term: Json) -> Decimal:
    """A term's premium for a year, to the cent: premium × 12 / months (estimated)."""
    year = Decimal(term["premium"]) * 12 / int(term["months"])
    return year.quantize(Decimal("0.01"), ROUND_HALF_UP)


class LineDetails(Mapping[str, StatedDetail]):
    """What a line states, by code in the catalogue's order. A detail is read when it is asked for
    first: a page that shows five of them reads no more."""

    def __init__(self, line: QuoteLine) -> None:
        self._line, self._typed = line, overrides(line)
        self._documents = Documents.of(line.line, line.document, line.offering_document)
        self._read: dict[str, StatedDetail | None] = {}

    def __getitem__(self, code: str) -> StatedDetail:
        found = self._found(code)
        if found is None:
            raise KeyError(code)
        return found

    def get(self, code: str, default: Any = None) -> Any:
        return self._found(code) or default

    def __contains__(self, code: object) -> bool:
        return isinstance(code, str) and self._found(code) is not None

    def __iter__(self) -> Iterator[str]:
        return (each.code for each in DETAILS[self._line.line] if each.code in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _found(self, code: str) -> StatedDetail | None:
        if code not in self._read:
            detail = BY_CODE.get((self._line.line, code))
            self._read[code] = None if detail is None else self._laid_over(detail)
        return self._read[code]

    def _laid_over(self, detail: Detail) -> StatedDetail | None:
        """What was typed, where anything was, over what the documents state."""
        entry = self._typed.get(detail.code)
        if entry is None:
            stated = self._documents.stated(detail.code)
            value, shown = stated or (None, "")
        else:
            value, shown = entry["value"], ""
        if detail.code == "term" and value and not _makes_up(value, self._line.premium_annual):
            return None
        if value is None:
            return None
        text = str(entry["typed"]) if entry else ""
        return StatedDetail(
            detail.code, detail.label, value, shown or detail.kind.shown(value), text
        )


def details_of(line: QuoteLine) -> dict[str, StatedDetail]:
    """Every detail the line states, by code, in the catalogue's order."""
    return dict(LineDetails(line))


def detail_of(line: QuoteLine, code: str) -> StatedDetail | None:
    """One detail, where the line states it: what asks for no other reads no other."""
    found: StatedDetail | None = LineDetails(line).get(code)
    return found


def set_detail(line: QuoteLine, code: str, text: str) -> bool:
    """Lay what was typed over the line, and say whether that changed anything; saves nothing.

    Empty text empties the detail. Raises ValueError for what cannot be read. What the documents
    state already is not stored again.
    """
    detail_named(line.line, code)
    if code == "term":
        return set_premium(line, text) if text.strip() else _set(line, code, "", None)
    plain = shorthand.tidy(text)
    return _set(line, code, plain, parse_detail(line.line, code, plain) if plain else None)


def _set(line: QuoteLine, code: str, typed: str, value: Json) -> bool:
    before = dict(line.details) if isinstance(line.details, dict) else {}
    after = dict(before)
    if value == document_detail(line.line, code, line.document, line.offering_document):
        after.pop(code, None)
    else:
        after[code] = {"typed": typed, "value": value}
    line.details = after
    return after != before


def set_premium(line: QuoteLine, text: str) -> bool:
    """Take the premium as typed, and say whether it changed: a year's ("4,310"), or a term's
    ("2155 / 6 mo"), which gives the annual premium and the term together. Saves nothing.

    A plain premium has no term, an empty text no premium. Raises ValueError.
    """
    before = line.premium_annual
    if not text.strip():
        line.premium_annual = None
        return _set(line, "term", "", None) or before is not None
    stated = shorthand.parse_premium(text)
    if stated.months is None and before == stated.annual and detail_of(line, "term") is None:
        return False
    line.premium_annual = stated.annual
    term = None
    if stated.months is not None:
        term = {"premium": number(stated.amount), "months": stated.months}
    changed = _set(line, "term", shorthand.tidy(text) if term else "", term)
    return changed or before != stated.annual


def premium_text(line: QuoteLine) -> str:
    """What a premium's field holds: the term's premium as typed, else the annual one."""
    if line.premium_annual is None:
        return ""
    term = detail_of(line, "term")
    return term.text if term else str(number(line.premium_annual))


def take_restated(line: QuoteLine, was: dict[str, Json]) -> list[str]:
    """After an import changed the line's documents, forget what was typed of every detail that
    they state otherwise than before (`was`, from `imported_details`). Returns those codes;
    saves nothing."""
    now = imported_details(line)
    restated = [code for code, value in now.items() if value != was.get(code)]
    if line.details:
        line.details = {c: entry for c, entry in line.details.items() if c not in restated}
    return restated
