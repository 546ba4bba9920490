"""The quote grid: its cells, and saving them one by one without losing anybody's work.

A cell is written only while it still holds what its editor last saw there. Otherwise both values
are told, and the person chooses.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from quotes.models import LINES, Carrier, Insured, Quote, QuoteLine, User
from quotes.models.carrier import carrier_key
from quotes.services import details, expiry
from quotes.services.documents import midnight
from quotes.services.findings import AllStated
from quotes.services.origins import How, Origin, mark, origin_of
from quotes.services.shorthand import StatedPremium, parse_premium, shown_premium

CARRIER = "carrier_name"
LINE_CELLS = ("premium_annual", "quote_ref", "product_name")
PACKAGE_CELLS = ("package_premium_annual", "term_months", "expires_on")
CELLS: tuple[str, ...] = (
    CARRIER,
    *(f"{line}-{name}" for line in LINES for name in LINE_CELLS),
    *PACKAGE_CELLS,
)
"""The cells of a row, in the order in which one tabs through them."""
MOST_ROWS = 200
BREAKS = re.compile(r"[\r\n]+")

Value = str | Decimal | int | dt.date | None
"""What a cell holds. A line's premium is text in shorthand ("$4,310", "$2,155 / 6 mo"): the sum
and the term it was quoted for are one statement."""


class State(StrEnum):
    STORED = "stored"
    WAITING = "waiting"
    """A new row without a carrier: nothing of it can be stored yet."""
    GONE = "gone"


class Outcome(StrEnum):
    SAVED = "saved"
    MISTAKE = "mistake"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class CellEdit:
    """A cell's new value; `was` holds all that its editor may have left or seen there."""

    value: Value
    was: tuple[Value, ...] = ()
    pasted: bool = False


@dataclass(frozen=True)
class RowEdit:
    """Cells of one quote. `pk` of a new row was made by its editor, so that sending it twice
    makes one quote. `mistakes` says of each cell that cannot be read what to write instead."""

    pk: UUID
    new: bool
    cells: Mapping[str, CellEdit]
    mistakes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CellResult:
    """What became of a cell; of a conflict also what is stored, by whom and since when."""

    outcome: Outcome
    message: str = ""
    theirs: Value = None
    origin: Origin | None = None


@dataclass
class RowResult:
    pk: UUID
    state: State
    cells: dict[str, CellResult] = field(default_factory=dict)
    carrier: str = ""
    changed: list[tuple[str, Value, Value]] = field(default_factory=list)
    """The cells that were written: which, what was there, what is there now."""

    @property
    def whole(self) -> bool:
        """Whether every cell of the row is stored as its editor left it."""
        saved = all(each.outcome is Outcome.SAVED for each in self.cells.values())
        return self.state is State.STORED and saved


def parts(cell: str) -> tuple[str, str]:
    """The line and the column a cell shows: "home-quote_ref" → ("home", "quote_ref"); the line
    is empty for a cell of the package."""
    line, dash, column = cell.partition("-")
    return (line, column) if dash else ("", cell)


def cell_value(quote: Quote, cell: str) -> Value:
    """What a cell shows of what is stored; "" or None where nothing is stated. Lines come
    prefetched."""
    line_name, column = parts(cell)
    if line_name:
        line = quote.line(line_name)
        return "" if line is None else _line_value(line, column)
    return _package_value(quote, column)


def row_values(quote: Quote, stated: AllStated) -> dict[str, Value]:
    """`cell_value` of all cells. `stated` spares reading the details of the lines in it again."""
    values: dict[str, Value] = dict.fromkeys(CELLS, "")
    for line in quote.held:
        for column in LINE_CELLS:
            values[f"{line.line}-{column}"] = _line_value(line, column, stated.get(line.pk))
    for column in (CARRIER, *PACKAGE_CELLS):
        values[column] = _package_value(quote, column)
    return values


def _line_value(
    line: QuoteLine, column: str, stated: Mapping[str, details.StatedDetail] | None = None
) -> Value:
    if column != "premium_annual":
        return _one_line(str(getattr(line, column)))
    annual = line.premium_annual
    if annual is None:
        return ""
    term = (details.LineDetails(line) if stated is None else stated).get("term")
    # A year's premium is a sum already: writing it as text to read that again says the same.
    return premium_value(term.text) if term else shown_premium(StatedPremium(annual, annual))


def _package_value(quote: Quote, column: str) -> Value:
    if column == "expires_on":
        return None if quote.expires_at is None else expiry.last_day(quote.expires_at)
    value: Value = getattr(quote, column)
    return _one_line(value) if isinstance(value, str) else value


def _one_line(text: str) -> str:
    """Imported text as a cell can hold it: with line breaks or spaces around it, what an editor
    saw there would never again be what is stored."""
    return BREAKS.sub(" ", text).strip()


def premium_value(text: str) -> str:
    """A premium in the one spelling by which two are compared: "2155/6m" → "$2,155 / 6 mo".

    Raises ValueError saying what to write instead.
    """
    return shown_premium(parse_premium(text)) if text.strip() else ""


def cell_origin(quote: Quote, cell: str) -> Origin | None:
    """Where a cell's value came from; None where nobody said."""
    line_name, column = parts(cell)
    if not line_name:
        return origin_of(quote, "expires_at" if column == "expires_on" else column)
    line = quote.line(line_name)
    return None if line is None else origin_of(line, column)


def save_cells(
    *, insured: Insured, rows: Sequence[RowEdit], user: User, whole: bool = False
) -> list[RowResult]:
    """Store the cells that nobody else changed meanwhile; a result for each row, in order.

    `whole` stores all of them or none. Raises Insured.DoesNotExist when it was deleted.
    """
    with transaction.atomic():
        insured = Insured.objects.select_for_update(of=("self",)).get(pk=insured.pk)
        saving = _Saving(insured, rows, user)
        results = [saving.save(row) for row in rows]
        if whole and not all(result.whole for result in results):
            transaction.set_rollback(True)
        elif saving.changed:
            insured.save(update_fields=["updated_at"])
    return results


class _Saving:
    """One request's rows being written, the insured locked."""

    def __init__(self, insured: Insured, rows: Sequence[RowEdit], user: User) -> None:
        self.insured, self.user = insured, user
        self.quotes = {quote.pk: quote for quote in insured.quotes.prefetch_related("lines")}
        made = [row.pk for row in rows if row.new and row.pk not in self.quotes]
        # An id that is in use elsewhere is no new row, whoever sends it.
        self.taken = set(Quote.objects.filter(pk__in=made).values_list("pk", flat=True))
        last = insured.quotes.aggregate(last=Max("position"))["last"]
        self.next_position = 0 if last is None else last + 1
        names = [str(row.cells[CARRIER].value) for row in rows if CARRIER in row.cells]
        self.carriers = Carrier.objects.by_key(name for name in names if name)
        self.changed = False

    def save(self, row: RowEdit) -> RowResult:
        quote = self.quotes.get(row.pk)
        if quote is None and (not row.new or row.pk in self.taken):
            return RowResult(row.pk, State.GONE)
        if quote is None:
            carrier = row.cells.get(CARRIER)
            if carrier is None or not carrier.value:
                return RowResult(row.pk, State.WAITING, _mistaken(row))
            quote = Quote(pk=row.pk, insured=self.insured, position=self.next_position)
            self.next_position += 1
        written = _Row(quote, self)
        cells = written.write(row) | _mistaken(row)
        return RowResult(row.pk, State.STORED, cells, quote.carrier_name, written.changed)

    def carrier(self, name: str) -> Carrier:
        key = carrier_key(name)
        if key not in self.carriers:
            self.carriers[key] = Carrier.objects.named(name)
        return self.carriers[key]


def _mistaken(row: RowEdit) -> dict[str, CellResult]:
    return {cell: CellResult(Outcome.MISTAKE, message) for cell, message in row.mistakes.items()}


class _Row:
    """One quote and its lines while cells are laid over them."""

    def __init__(self, quote: Quote, saving: _Saving) -> None:
        self.quote, self.saving = quote, saving
        self.adding = quote._state.adding
        self.lines = {} if self.adding else {line.line: line for line in quote.lines.all()}
        self.own_changed = False
        self.lines_changed: set[str] = set()
        self.changed: list[tuple[str, Value, Value]] = []

    def write(self, row: RowEdit) -> dict[str, CellResult]:
        results = {cell: self._lay(cell, row.cells[cell]) for cell in CELLS if cell in row.cells}
        if self.own_changed:
            self.quote.save(force_insert=self.adding)
        for line in LINES:
            if line in self.lines_changed:
                self._store_line(self.lines[line])
        self.saving.changed |= self.own_changed or bool(self.lines_changed)
        return results

    def _lay(self, cell: str, edit: CellEdit) -> CellResult:
        stored = None if self.adding else cell_value(self.quote, cell)
        if not self.adding:
            if stored == edit.value:
                return CellResult(Outcome.SAVED)
            if stored not in edit.was:
                origin = cell_origin(self.quote, cell)
                return CellResult(Outcome.CONFLICT, theirs=stored, origin=origin)
        elif edit.value in ("", None):
            return CellResult(Outcome.SAVED)
        if mistake := self._mistake(cell, edit.value):
            return CellResult(Outcome.MISTAKE, message=mistake)
        how = How.PASTED if edit.pasted else How.TYPED
        self._set(cell, edit.value, Origin(how, by=self.saving.user.shown_name))
        self.changed.append((cell, stored, edit.value))
        return CellResult(Outcome.SAVED)

    def _mistake(self, cell: str, value: Value) -> str:
        if cell == CARRIER and not value:
            return (
                f"A quote needs its carrier; {self.quote.carrier_name} was kept. "
                "To take the quote out, delete it."
            )
        quoted = self.quote.generated_at
        if cell == "expires_on" and isinstance(value, dt.date) and quoted is not None:
            day = timezone.localtime(quoted).date()
            if value < day:
                return f"It was quoted on {shown_day(day)}, after that. Check the date."
        return ""

    def _set(self, cell: str, value: Value, origin: Origin) -> None:
        line_name, column = parts(cell)
        if line_name:
            line = self.lines.get(line_name)
            if line is None:
                place = self.quote.position * 10 + LINES.index(line_name)
                line = QuoteLine(quote=self.quote, line=line_name, position=place)
                self.lines[line_name] = line
            if column == "premium_annual":
                details.set_premium(line, str(value))
            else:
                setattr(line, column, value)
            mark(line, [column], origin)
            self.lines_changed.add(line_name)
            return
        if column == "expires_on":
            column = "expires_at"
            value = midnight(value + dt.timedelta(days=1)) if isinstance(value, dt.date) else None
        if column == CARRIER:
            self.quote.carrier = self.saving.carrier(str(value))
        setattr(self.quote, column, value)
        mark(self.quote, [column], origin)
        self.own_changed = True

    def _store_line(self, line: QuoteLine) -> None:
        """A line of which nothing is stated any more is no line of the quote."""
        stated = line.premium_annual is not None or line.quote_ref or line.product_name
        if stated or details.details_of(line):
            line.save()
        elif not line._state.adding:
            line.delete()


def shown_clock(moment: dt.datetime) -> str:
    """ "5:13 PM", as every page says it."""
    return f"{moment:%I:%M %p}".removeprefix("0")


def shown_day(day: dt.date) -> str:
    """ "Mar 28, 2026" """
    return f"{day:%b} {day.day}, {day.year}"
