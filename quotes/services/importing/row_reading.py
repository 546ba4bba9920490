"""One row of a sheet as part of a quote: every cell by what its column is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from quotes.models import LINES
from quotes.services.importing import values
from quotes.services.importing.cells import Cell, Row, Sheet
from quotes.services.importing.folding import FOLDED, detail_text, folded, mistake_in
from quotes.services.importing.layout import INSURED, LINE, PREMIUMS, QUOTE, Column
from quotes.services.importing.stated import Problem, StatedLine, StatedQuote, StatedTable

READ_FIRST = ("line", "carrier", "term_months")
"""What the other cells of a row are read by."""
READERS: dict[str, values.Reader] = {
    "carrier": values.carrier,
    "line": values.line_of,
    **INSURED,
    **QUOTE,
}
Found = dict[tuple[str, str], tuple[Any, Column]]
"""A row's values by line ("" for what is the insured's or the package's) and code."""


@dataclass
class Part:
    """What one row states: a quote, or one line of it. `declined` is what was said, by line."""

    quote: StatedQuote
    line: str = ""
    declined: dict[str, tuple[str, str]] = field(default_factory=dict)
    premium_amiss: bool = False
    """A premium could not be read: told already, it is not told again as a missing one."""
    unsettled: set[str] = field(default_factory=set)
    """Columns of the package of which its rows say different things, so that none holds."""


@dataclass
class Reading:
    """A sheet being read: what to read and what was found so far."""

    sheet: Sheet
    columns: list[Column]
    table: StatedTable
    carried: dict[int, Cell] = field(default_factory=dict)
    """Cells of the household last named; they hold for the rows that name none."""
    not_own: set[int] = field(default_factory=set)
    """Columns of which the present row has its cell from above; what is wrong was told there."""
    last_carrier: Cell = None
    twice: set[int] = field(default_factory=set)
    """Columns told to contradict another of the same meaning: once is enough."""
    noted: set[tuple[int, str]] = field(default_factory=set)
    read: dict[tuple[Any, ...], values.Read] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.in_order = sorted(self.columns, key=lambda each: each.target not in READ_FIRST)
        self.row_a_line = any(column.target == "line" for column in self.columns)
        self.insured = [each.index for each in self.columns if each.target in INSURED]
        self.carrier = self.column("carrier")

    def tell(self, message: str, row: int | None, column: str = "", blocking: bool = True) -> None:
        self.table.problems.append(Problem(message, row, column, blocking))

    def tell_of(self, column: Column, message: str, row: int, blocking: bool = True) -> None:
        """Tell of a cell; a note that stands for many rows is told of the first."""
        if column.index in self.not_own:
            return
        if not blocking:
            if (column.index, message) in self.noted:
                return
            self.noted.add((column.index, message))
        self.tell(message, row, column.text, blocking)

    def column(self, target: str) -> Column | None:
        return next((each for each in self.columns if each.target == target), None)


def read_row(row: Row, reading: Reading) -> Part | None:
    """What a row states; None for one that is no line of ours. Mistakes are told."""
    part = Part(StatedQuote([row.number], ""))
    found: Found = {}
    cells, width = row.cells, len(row.cells)
    for column in reading.in_order:
        cell = cells[column.index] if column.index < width else None
        if cell is None and column.target != "line":
            continue
        if column.target == "line" and values.is_blank(cell):
            reading.tell_of(column, "no line is named: home, auto or umbrella", row.number)
            part.premium_amiss = True
        if cell is None:
            continue
        try:
            _read_cell(column, cell, found, part, reading)
        except ValueError as error:
            if column.target == "line":
                # Flood and boats are quoted beside home and auto; they are no mistake.
                reading.tell_of(column, f"{error}; the row was left out", row.number, False)
                return None
            reading.tell_of(column, str(error), row.number)
            part.premium_amiss = part.premium_amiss or column.code in PREMIUMS
    carrier = reading.carrier
    if carrier and values.is_blank(row.cell(carrier.index)):
        reading.tell("no carrier is named", row.number, carrier.text)
    _assemble(found, part)
    _check_details(part.quote, reading)
    return part


def _read_cell(column: Column, cell: Cell, found: Found, part: Part, reading: Reading) -> None:
    """Read one cell into `found`. Raises ValueError for one that cannot be."""
    number = part.quote.row
    line = _line_of(column, part, reading)
    if line is None:
        if not values.is_blank(cell):
            told = f"speaks of {column.line}, but the row of {part.line}; the cell was left out"
            reading.tell_of(column, told, number, blocking=False)
        return
    months = None
    if column.code in PREMIUMS:
        if values.is_declined(cell):
            part.declined[line] = (str(cell), column.text)
        months = column.months
        if months == 0:
            months = found.get(("", "term_months"), (None, column))[0]
    value, note = _value(column, cell, months, reading)
    note = note or _taken_as_a_years(column, value, found)
    if note:
        reading.tell_of(column, note, number, blocking=False)
    if value is None:
        return
    code = "package_premium_annual" if column.code in PREMIUMS and not line else column.code
    if column.target == "line":
        part.line = value
    _put(found, (line, code), value, column, number, reading)


def _taken_as_a_years(column: Column, value: Any, found: Found) -> str:
    """A note on a plain amount whose heading and term leave open which time it is for."""
    if not isinstance(value, values.Premium) or value.typed or not value.annual:
        return ""
    term = found.get(("", "term_months"), (None, column))[0]
    if column.months == 0 and term is None:
        return "no term is stated: the premium was taken as a year's"
    if column.months is None and term not in {None, 12}:
        return (
            f"was taken as a year's premium, though the term is {term} months; if it is the "
            "term's, name the column Term premium"
        )
    return ""


def _line_of(column: Column, part: Part, reading: Reading) -> str | None:
    """The line a column speaks of in this row; "" for the whole package, None for another's."""
    if not column.line or not reading.row_a_line:
        return column.line
    if column.line == "line":
        return "" if part.line == "package" else part.line
    return column.line if column.line == part.line else None


def _value(column: Column, cell: Cell, months: int | None, reading: Reading) -> values.Read:
    """A cell's value and note; tables say the same few things over and over. Raises ValueError."""
    key = (column.index, type(cell), cell, months)
    if key not in reading.read:
        reading.read[key] = _read(column, cell, months)
    return reading.read[key]


def _read(column: Column, cell: Cell, months: int | None) -> values.Read:
    if column.code in PREMIUMS:
        return values.premium(cell, months)
    reader = READERS.get(column.target) or LINE.get(column.code)
    if reader is not None:
        return reader(cell)
    text, note = detail_text(cell, column.code)
    return text or None, note


def _put(
    found: Found,
    key: tuple[str, str],
    value: Any,
    column: Column,
    number: int,
    reading: Reading,
) -> None:
    """Keep a value, unless another column of the same meaning has said otherwise."""
    if key not in found:
        found[key] = (value, column)
    elif found[key][0] != value and column.index not in reading.twice:
        reading.twice.add(column.index)
        reading.tell(
            f"is taken for the same as “{found[key][1].text}”, but says otherwise; choose "
            "another meaning for one of them, or leave it out",
            number,
            column.text,
        )


def _assemble(found: Found, part: Part) -> None:
    """The row's values as a quote with its lines."""
    quote = part.quote
    texts: dict[str, dict[str, str]] = {}
    for (line, code), (value, column) in found.items():
        if line == "line":
            continue
        if line:
            _add_to_line(line, code, value, column, quote, texts)
        elif code == "carrier":
            quote.carrier_name = value
        elif code == "package_premium_annual":
            quote.columns[code] = value.annual
        elif code in INSURED:
            quote.insured[code] = value
        elif code in QUOTE:
            quote.columns[code] = value
        if not line and code != "line":
            quote.headings["carrier_name" if code == "carrier" else code] = column.text
    _join_names(quote)
    for (line, code), (value, column) in found.items():
        if line == "line":
            # Said once for the whole package: it holds for each line that has a price.
            for each in [name for name, one in quote.lines.items() if one.columns]:
                if code not in texts.get(each, {}):
                    _add_to_line(each, code, value, column, quote, texts)
    for line, stated in texts.items():
        quote.lines[line].details.update(folded(stated))


def _add_to_line(
    line: str,
    code: str,
    value: Any,
    column: Column,
    quote: StatedQuote,
    texts: dict[str, dict[str, str]],
) -> None:
    stated = quote.lines.setdefault(line, StatedLine(line))
    stated.headings.setdefault(FOLDED.get(code, code), column.text)
    if code in PREMIUMS:
        stated.columns[code] = value.annual
        if value.typed:
            stated.details["term"] = value.typed
            stated.headings["term"] = column.text
    elif code in LINE:
        stated.columns[code] = value
    else:
        texts.setdefault(line, {})[code] = value


def _join_names(quote: StatedQuote) -> None:
    names = [quote.insured.pop(each, "") for each in ("first_name", "last_name")]
    texts = [quote.headings.pop(each, "") for each in ("first_name", "last_name")]
    if any(names) and "applicant_name" not in quote.insured:
        quote.insured["applicant_name"] = " ".join(filter(None, names))
        quote.headings["applicant_name"] = " and ".join(filter(None, texts))


def _check_details(quote: StatedQuote, reading: Reading) -> None:
    """Tell the details that cannot be read, and leave them out."""
    for line in LINES:
        stated = quote.lines.get(line)
        for code, text in list(stated.details.items()) if stated else ():
            mistake = mistake_in(line, code, text)
            if stated and mistake:
                told = f"“{text[:60]}”: {mistake}"
                reading.tell(told, quote.row, stated.headings.get(code, ""))
                del stated.details[code]
