"""Which columns of a sheet are read and how, and what keeps them from being read at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from quotes.services.importing import dates, values
from quotes.services.importing.catalogue import OF_EVERY_LINE, TARGETS
from quotes.services.importing.stated import Heading, Problem
from quotes.services.importing.vocabulary import months_meant

INSURED = {
    "insured_id": values.identifier,
    "applicant_name": values.text_of(200),
    "first_name": values.text_of(100),
    "last_name": values.text_of(100),
    "street": values.text_of(200),
    "city": values.text_of(120),
    "state": values.state,
    "zip_code": values.zip_code,
}
QUOTE = {
    "package_id": values.identifier,
    "generated_at": dates.start_of_day,
    "expires_at": dates.end_of_day,
    "broker": values.text_of(200),
    "term_months": values.term,
}
LINE = {"quote_ref": values.identifier, "product_name": values.text_of(200)}
PREMIUMS = frozenset({"premium_annual", "package_premium_annual"})


@dataclass(frozen=True)
class Column:
    """A column that is read. `line` is home, auto, umbrella, "line" (the row's own) or "".

    `months` is what the heading says a premium is for: None unsaid, 0 the term column's.
    """

    index: int
    text: str
    target: str
    line: str
    code: str
    months: int | None = None

    @property
    def is_detail(self) -> bool:
        return bool(self.line) and self.code not in OF_EVERY_LINE and self.target != "line"


def columns_of(headings: Iterable[Heading]) -> list[Column]:
    """The columns to read, in the sheet's order."""
    found = []
    for heading in headings:
        if heading.target not in TARGETS:
            continue
        line, _, code = heading.target.rpartition(".")
        months = months_meant(heading.text) if code in PREMIUMS else None
        found.append(Column(heading.index, heading.text, heading.target, line, code, months))
    return found


def what_is_missing(columns: list[Column]) -> list[Problem]:
    """Why no quote can be read from these columns; empty when some can."""
    targets = {column.target for column in columns}
    if not targets:
        return [
            Problem("None of the columns was recognized. Say what each one is, then look again.")
        ]
    found = []
    if "carrier" not in targets:
        found.append(Problem("No column is the carrier. Say which one names the carriers."))
    lines = {column.line for column in columns if column.code == "premium_annual"}
    if not lines:
        found.append(Problem("No column is a line's premium. Say which one it is."))
    elif lines == {"line"} and "line" not in targets:
        premium = next(each for each in columns if each.target == "line.premium_annual")
        found.append(
            Problem(
                "Nothing says which line this premium is for. Choose home, auto or umbrella "
                "premium, or add a column that names the line.",
                column=premium.text,
            )
        )
    return found
