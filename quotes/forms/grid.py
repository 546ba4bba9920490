"""What a quote grid sends, as the browser's JSON or as a plain form, read into typed cells."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic import ValidationError as ShapeError

from quotes.forms.fields import NOT_TEXT, DayField, MoneyField, TextField, WholeField
from quotes.services import grid, reading
from quotes.services.grid import CELLS, MOST_ROWS, CellEdit, RowEdit, Value, premium_value

MOST_BYTES = 256 * 1024
"""The largest request taken: 200 rows of full cells are about half of it."""
MOST_TEXT = 2000


class Unusable(Exception):
    """What came is no set of cells; the message is a sentence. Nothing was stored."""


@dataclass(frozen=True)
class TypedCell:
    """A cell as typed; `was` are the texts its editor may have left or seen there."""

    text: str
    was: tuple[str, ...] = ()
    pasted: bool = False


@dataclass
class TypedRow:
    pk: UUID
    new: bool
    cells: dict[str, TypedCell] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    """What stood in every cell, changed or not; a plain form says so."""

    @property
    def blank(self) -> bool:
        return not any(cell.text.strip() for cell in self.cells.values())


class PremiumField(forms.Field):
    """A line's premium in shorthand: "4,310", "2155 / 6 mo"; its value is the text, tidied."""

    def to_python(self, value: Any) -> str:
        try:
            return premium_value(str(value or ""))
        except ValueError as error:
            raise ValidationError(str(error)) from None


class TermField(WholeField):
    """Months: "12", "12 mo", "annual", "semi-annual"."""

    WORDS = {"annual": "12", "1 year": "12", "1 yr": "12", "semi-annual": "6", "semiannual": "6"}

    def to_python(self, value: Any) -> int | None:
        text = " ".join(str(value or "").casefold().split())
        text = self.WORDS.get(text, text)
        return super().to_python(re.sub(r" ?-?(m|mo|mos|mths?|months?)\.?$", "", text))


class LastDayField(DayField):
    """A day in the ways people write one; without a year, the one nearest to today."""

    FORMATS = (
        "%Y-%m-%d", "%m/%d/%Y", "%m/%d/%y", "%m-%d-%Y", "%b %d, %Y", "%b %d %Y", "%B %d, %Y",
        "%B %d %Y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d %B %Y",
    )  # fmt: skip
    SHORT = ("%m/%d", "%b %d", "%B %d", "%d %b", "%d %B", "%d-%b")

    def __init__(self) -> None:
        super().__init__()
        self.input_formats = self.FORMATS

    def to_python(self, value: Any) -> dt.date | None:
        text = " ".join(str(value or "").split())
        return self._without_year(text) or super().to_python(text)

    def _without_year(self, text: str) -> dt.date | None:
        today = timezone.localdate()
        near = []
        for year in (today.year - 1, today.year, today.year + 1):
            for form in self.SHORT:
                try:
                    near.append(dt.datetime.strptime(f"{text} {year}", f"{form} %Y").date())
                except ValueError:
                    continue
        return min(near, key=lambda day: abs(day - today), default=None)


COLUMNS: dict[str, forms.Field] = {
    "carrier_name": TextField(max_length=120),
    "package_premium_annual": MoneyField(),
    "term_months": TermField(low=1, high=36),
    "expires_on": LastDayField(),
    "premium_annual": PremiumField(required=False),
    "quote_ref": TextField(max_length=120),
    "product_name": TextField(max_length=200),
}


def read_cell(cell: str, text: str) -> Value:
    """The value that `text` states in `cell`. Raises ValidationError saying what to write."""
    if "\x00" in text:
        raise ValidationError(NOT_TEXT)
    value: Value = COLUMNS[grid.parts(cell)[1]].clean(text.strip())
    return value


def judged(rows: Sequence[TypedRow]) -> list[RowEdit]:
    """The rows with typed values, and with what is wrong with the cells that cannot be read."""
    return [_judged(row) for row in rows]


def _judged(row: TypedRow) -> RowEdit:
    cells: dict[str, CellEdit] = {}
    mistakes: dict[str, str] = {}
    for name, typed in row.cells.items():
        try:
            value = read_cell(name, typed.text)
        except ValidationError as error:
            mistakes[name] = " ".join(error.messages)
            continue
        cells[name] = CellEdit(value, tuple(_readable(name, typed.was)), typed.pasted)
    return RowEdit(row.pk, row.new, cells, mistakes)


def _readable(cell: str, texts: Sequence[str]) -> list[Value]:
    found = []
    for text in texts:
        try:
            found.append(read_cell(cell, text))
        except ValidationError:
            continue
    return found


# The browser's JSON ---------------------------------------------------------------------------


def _told_at_its_cell(value: Any) -> Any:
    """Half a character cannot be stored or shown. As a NUL it becomes its own cell's mistake."""
    return re.sub("[\ud800-\udfff]", "\x00", value) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_told_at_its_cell), Field(max_length=MOST_TEXT)]


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class CellShape(Shape):
    value: Text
    was: Annotated[list[Text], Field(max_length=20)] = []
    pasted: bool = False


class RowShape(Shape):
    id: Annotated[UUID, Field(strict=False)]
    new: bool = False
    cells: dict[Literal[CELLS], CellShape]  # type: ignore[valid-type]


class GridShape(Shape):
    rows: Annotated[list[RowShape], Field(min_length=1, max_length=MOST_ROWS)]


S = TypeVar("S", bound=Shape)


class BlockShape(Shape):
    cell: Literal[CELLS]  # type: ignore[valid-type]
    text: Annotated[str, BeforeValidator(_told_at_its_cell), Field(max_length=MOST_BYTES)]


def read_rows(raw: bytes) -> list[TypedRow]:
    """The rows in a request's body. Raises Unusable."""
    shape = _shaped(raw, GridShape)
    if len({row.id for row in shape.rows}) != len(shape.rows):
        raise Unusable("The same row was sent twice in one request. Reload the page.")
    return [
        TypedRow(
            row.id,
            row.new,
            {
                name: TypedCell(cell.value, tuple(cell.was), cell.pasted)
                for name, cell in row.cells.items()
            },
        )
        for row in shape.rows
    ]


def read_block(raw: bytes) -> tuple[str, str]:
    """The cell a block was pasted into, and its text. Raises Unusable."""
    shape = _shaped(raw, BlockShape)
    return shape.cell, shape.text


def _shaped(raw: bytes, shape: type[S]) -> S:
    if len(raw) > MOST_BYTES:
        raise Unusable(
            "That is more than the grid takes at once (256 KB); nothing was saved. "
            "Use Paste or import for a large table."
        )
    try:
        return shape.model_validate(reading.decode(raw))
    except reading.Unreadable as error:
        raise Unusable(f"What was sent cannot be read ({error}); nothing was saved.") from None
    except ShapeError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])[:100]
        raise Unusable(
            f"What was sent is no part of the grid ({where}: {first['msg']}); nothing was saved. "
            "Reload the page."
        ) from None


# The plain form -------------------------------------------------------------------------------


def read_posted(data: QueryDict) -> list[TypedRow]:
    """The rows of a posted form in their order, with those cells only that were changed.

    A cell of which somebody else stored another value goes on as chosen: "mine" is written over
    what was shown as theirs, "theirs" drops what was typed. Raises Unusable.
    """
    ids = data.getlist("row")
    if len(ids) > MOST_ROWS or len(set(ids)) != len(ids):
        raise Unusable(f"The grid takes {MOST_ROWS} rows at once; nothing was saved.")
    new = set(data.getlist("new"))
    rows = []
    for each in ids:
        try:
            pk = UUID(each)
        except ValueError:
            raise Unusable("A row of the grid has no id; nothing was saved.") from None
        texts = {name: data.get(f"c-{pk}-{name}", "") for name in CELLS}
        rows.append(TypedRow(pk, each in new, _changed_cells(data, pk), texts))
    return rows


def _changed_cells(data: QueryDict, pk: UUID) -> dict[str, TypedCell]:
    was = _left_there(data.get(f"was-{pk}", ""))
    cells = {}
    for name in CELLS:
        text = data.get(f"c-{pk}-{name}")
        if text is None:
            continue
        before = was.get(name, ("", ""))
        choice = data.get(f"k-{pk}-{name}", "")
        seen = data.get(f"t-{pk}-{name}")
        if choice == "theirs" or text.strip() in before:
            continue
        left = (seen,) if choice == "mine" and seen is not None else before[:1]
        cells[name] = TypedCell(text, left)
    return cells


def _left_there(text: str) -> dict[str, tuple[str, ...]]:
    """Per cell what the form was drawn with; what cannot be read counts as nothing."""
    try:
        found = reading.decode(text.encode("utf-8", "replace")) if text else {}
    except reading.Unreadable:
        return {}
    if not isinstance(found, dict):
        return {}
    return {
        name: tuple(pair)
        for name, pair in found.items()
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(t, str) for t in pair)
    }
