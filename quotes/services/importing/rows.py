"""A sheet's rows as stated quotes, every mistake told by row and column."""

from __future__ import annotations

from collections.abc import Mapping

from quotes.services.importing.cells import Cell, Row, Sheet
from quotes.services.importing.columns import find_heading, headings_of, sensitive_headings
from quotes.services.importing.joining import joined
from quotes.services.importing.layout import INSURED, QUOTE, columns_of, what_is_missing
from quotes.services.importing.row_reading import Part, Reading, read_row
from quotes.services.importing.skipping import Sums, cut_at_a_comma, why_skipped
from quotes.services.importing.stated import Problem, StatedTable

NO_HEADING = (
    "No row names the columns. Put a heading row above the quotes, such as "
    "Carrier, Home premium, Auto premium."
)


def read_table(
    sheet: Sheet,
    *,
    chosen: Mapping[str, str] | None = None,
    mapping: Mapping[int, str] | None = None,
) -> StatedTable:
    """What the sheet states, with the columns as `columns.headings_of` finds them.

    Money is Decimal dollars a year to the cent, dates are aware datetimes (`expires_at` the end
    of its day), terms whole months. A premium stated for another term than a year is annualised
    and stands in the line's details as `term`. Nothing is raised: a mistake is a `Problem`.
    """
    table = StatedTable(sheet.name)
    table.problems += [Problem(note, blocking=False) for note in sheet.notes]
    heading = find_heading(sheet, chosen)
    if heading is None:
        table.problems.append(Problem(NO_HEADING))
        return table
    table.headings = headings_of(sheet, chosen, mapping)
    table.removed = sensitive_headings(sheet, chosen)
    columns = columns_of(table.headings)
    missing = what_is_missing(columns)
    if missing:
        table.problems += missing
        return table
    reading = Reading(sheet, columns, table)
    parts = _parts(reading, heading.position)
    if reading.row_a_line:
        parts = joined(parts, reading.tell)
    table.quotes = [part.quote for part in parts if _is_complete(part, reading)]
    if not parts and not any(problem.blocking for problem in table.problems):
        table.problems.append(Problem("There is no quote below the headings."))
    table.problems.sort(key=lambda problem: problem.row or 0)
    return table


def _parts(reading: Reading, heading: int) -> list[Part]:
    rows = reading.sheet.rows
    carrier = next((each for each in reading.columns if each.target == "carrier"), None)
    sums = Sums(reading.columns)
    merged = _merged_down(reading)
    parts = []
    for row in rows[heading + 1 :]:
        for index in merged.get(row.number, ()):
            row = _with_cell(row, index, merged[row.number][index])
        why = why_skipped(row, carrier, rows[heading], reading.columns, sums)
        if why:
            reading.tell(why, row.number, blocking=False)
            continue
        cut = reading.sheet.separator == "," and cut_at_a_comma(row, len(rows[heading].cells))
        if cut:
            reading.tell(cut, row.number)
            continue
        row = _with_carried(row, reading)
        if _only(row, reading.insured):
            continue
        sums.add(row)
        part = read_row(row, reading)
        if part is not None:
            parts.append(part)
    return parts


def _merged_down(reading: Reading) -> dict[int, dict[int, Cell]]:
    """Cells merged over several rows hold for each of them: by row number and column.

    Premiums do not: one amount over two rows is the price of both together.
    """
    wanted = {
        column.index
        for column in reading.columns
        if column.target == "carrier" or column.target in INSURED or column.target in QUOTE
    }
    by_number = {row.number: row for row in reading.sheet.rows}
    found: dict[int, dict[int, Cell]] = {}
    for top, left, bottom, _ in reading.sheet.merged:
        if left in wanted and top in by_number and bottom - top < len(by_number):
            for number in range(top + 1, bottom + 1):
                found.setdefault(number, {})[left] = by_number[top].cell(left)
    return found


def _with_cell(row: Row, index: int, cell: Cell) -> Row:
    if row.cell(index) is not None:
        return row
    cells = [*row.cells, *[None] * (index + 1 - len(row.cells))]
    cells[index] = cell
    return Row(row.number, cells)


def _with_carried(row: Row, reading: Reading) -> Row:
    """The row with the household named above where it names none, and the carrier likewise.

    A carrier holds for the next rows only where each row is a line.
    """
    insured = reading.insured
    cells = {index: row.cell(index) for index in insured}
    own: dict[int, Cell] = {index: cell for index, cell in cells.items() if cell is not None}
    before = reading.carried
    reading.not_own = set()
    if not own or all(before.get(index) == cell for index, cell in own.items()):
        reading.not_own = before.keys() - own.keys()
        for index in reading.not_own:
            row = _with_cell(row, index, before[index])
    else:
        reading.carried = own
        reading.last_carrier = None
    if reading.row_a_line:
        carrier = next(each.index for each in reading.columns if each.target == "carrier")
        if row.cell(carrier) is None and not (row.is_blank or _only(row, insured)):
            row = _with_cell(row, carrier, reading.last_carrier)
        reading.last_carrier = row.cell(carrier)
    return row


def _only(row: Row, indexes: list[int]) -> bool:
    return all(cell is None or index in indexes for index, cell in enumerate(row.cells))


def _is_complete(part: Part, reading: Reading) -> bool:
    """Whether a quote has a carrier and a premium, told where it has not."""
    quote = part.quote
    for line, (word, column) in part.declined.items():
        stated = quote.lines.get(line)
        if stated is None or "premium_annual" not in stated.columns:
            quote.lines.pop(line, None)
            told = f"{quote.carrier_name}: “{word}”; nothing was taken for it"
            reading.tell(told, quote.row, column, blocking=False)
    if not quote.carrier_name:
        return False
    quoted, expires = (quote.columns.get(each) for each in ("generated_at", "expires_at"))
    if quoted and expires and expires <= quoted:
        heading = quote.headings.get("expires_at", "")
        reading.tell("is before the day it was quoted", quote.row, heading, blocking=False)
    if any("premium_annual" in line.columns for line in quote.lines.values()):
        return True
    if not part.declined and not part.premium_amiss:
        reading.tell(f"{quote.carrier_name}: no line has a premium", quote.row)
    return False
