"""Pages that begin exactly after the last one's end, at the same cost however far on they are.

A page is asked for by the last row that was seen: its value in the column of the order, and its
key. Rows that come in meanwhile move no page's edge, so that paging neither repeats nor skips
one; and the database goes to the place in an index, where an offset counts its way there. Rows
without a value come last either way.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware


class Keyed(Protocol):
    """A row, whole or of some columns, with the column that its list is ordered by."""

    @property
    def pk(self) -> Any: ...


M = TypeVar("M", bound=Keyed)
Value = datetime | Decimal | float | None
Read = Callable[[list[UUID]], Iterable[M]]
MOST_MARK = 400
YEARS = range(1900, 9000)
MORE_THAN_ANY = Decimal(10) ** 12
CENT = Decimal("0.01")
"""What no column holds, some database cannot even be asked to compare."""


@dataclass(frozen=True)
class Order:
    """By one column, ties by the key, which is a UUID. `of` is the type of the column's values."""

    column: str
    of: type[datetime] | type[Decimal] | type[float]
    descending: bool
    nullable: bool = True


@dataclass(frozen=True)
class Mark:
    """A row's place: its value and key; `back` asks for what comes before it, else after it."""

    value: Value
    pk: UUID
    back: bool = False

    def encoded(self) -> str:
        """As it stands in an address: opaque, and of no use but to go on from here."""
        value = self.value.isoformat() if isinstance(self.value, datetime) else self.value
        said = None if value is None else str(value)
        raw = json.dumps([int(self.back), said, self.pk.hex]).encode()
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    @classmethod
    def decoded(cls, text: str, order: Order) -> Mark | None:
        """The mark, None where the text is none that this order gave."""
        try:
            padded = text[:MOST_MARK].encode("ascii") + b"=="
            back, said, pk = json.loads(base64.urlsafe_b64decode(padded))
            if said is None and not order.nullable:
                return None
            return cls(_value(said, order), UUID(pk), bool(back))
        except (ValueError, TypeError, AttributeError, InvalidOperation, binascii.Error):
            return None


def _value(said: str | None, order: Order) -> Value:
    if said is None:
        return None
    if order.of is datetime:
        moment = parse_datetime(said)
        if moment is None or not is_aware(moment) or moment.year not in YEARS:
            raise ValueError(said)
        return moment
    number = Decimal(said)
    if not number.is_finite() or abs(number) >= MORE_THAN_ANY:
        raise ValueError(said)
    if order.of is float:
        return float(number)
    if number != number.quantize(CENT):
        raise ValueError(said)
    return number


@dataclass(frozen=True)
class Page(Generic[M]):
    """Rows in their order, and where to go on either way: None where nothing is there."""

    rows: list[M]
    previous: str | None
    next: str | None


@dataclass(frozen=True)
class Stretch:
    """Rows of an order that one statement reads: those with a value in its column or those
    without (`empty`), one way or the other (`down`), from the beginning or from beyond a mark."""

    order: Order
    down: bool
    empty: bool = False
    beyond: Mark | None = None

    def of(self, rows: QuerySet[Any], count: int) -> QuerySet[Any, UUID]:
        """The keys of the first rows of it."""
        column, sign = self.order.column, "-" if self.down else ""
        part = rows.order_by(f"{sign}{column}", f"{sign}pk")
        if self.order.nullable:
            part = part.filter(**{f"{column}__isnull": self.empty})
        if self.beyond is not None:
            part = part.filter(_beyond(self.order, self.beyond, self.down))
        return part.values_list("pk", flat=True)[:count]


Keys = Callable[[Stretch, int], Iterable[UUID]]
"""The keys of so many first rows of a stretch: which rows there are, this knows."""


def keys_of(rows: QuerySet[Any]) -> Keys:
    return lambda stretch, count: stretch.of(rows, count)


def page_of(keys: Keys, read: Read[M], order: Order, mark: Mark | None, size: int) -> Page[M]:
    """The `size` rows after the mark, before it where that looks back, or the first ones.

    `keys` says which there are; `read` reads those of some keys, with all that is joined to them.
    """
    back = mark is not None and mark.back
    found, more = _take(keys, read, order, mark, size + 1)
    found = found[:size]
    if back:
        if not more and len(found) < size:
            # At the beginning: whole from there, with whatever is new.
            return page_of(keys, read, order, None, size)
        found.reverse()
    if not found:
        # What was left after the mark is gone: the first page, unless this is it.
        return page_of(keys, read, order, None, size) if mark else Page([], None, None)
    earlier = more if back else mark is not None
    later = back or more
    return Page(
        found,
        previous=_mark(found[0], order, back=True) if earlier else None,
        next=_mark(found[-1], order, back=False) if later else None,
    )


def _mark(row: Keyed, order: Order, *, back: bool) -> str:
    return Mark(getattr(row, order.column), row.pk, back).encoded()


def _take(
    keys: Keys, read: Read[M], order: Order, mark: Mark | None, count: int
) -> tuple[list[M], bool]:
    """Up to `count` rows, and whether there are as many.

    Their keys first: where a database has to sort it then sorts these, and not whole rows with
    all that is joined to them. A row that is gone by then is left out.
    """
    found: list[UUID] = []
    for stretch in _stretches(order, mark):
        found += keys(stretch, count - len(found))
        if len(found) >= count:
            break
    there = {row.pk: row for row in read(found)}
    return [there[pk] for pk in found if pk in there], len(found) >= count


def _stretches(order: Order, mark: Mark | None) -> Iterator[Stretch]:
    """What is left of the rows with a value and of those without, in the way one goes."""
    back = mark is not None and mark.back
    down = order.descending != back
    at_empty = mark is not None and mark.value is None
    kinds = [False, True] if order.nullable else [False]
    for empty in reversed(kinds) if back else kinds:
        if mark is not None and empty != at_empty and empty == back:
            continue  # The part that one came from lies behind the mark.
        yield Stretch(order, down, empty, mark if empty == at_empty else None)


def _beyond(order: Order, mark: Mark, down: bool) -> Q:
    than = "lt" if down else "gt"
    farther = Q(**{f"pk__{than}": mark.pk})
    if mark.value is None:
        return farther
    column, value = order.column, mark.value
    # The first half says nothing new, and is what takes a database to the place in its index.
    return Q(**{f"{column}__{than}e": value}) & (
        Q(**{f"{column}__{than}": value}) | Q(**{column: value}) & farther
    )


def all_in_order(
    rows: QuerySet[Any], read: Read[M], order: Order, chunk: int
) -> Generator[list[M], None, None]:
    """Every row in the same order, in lists of `chunk`: by pages, so that no cursor is held open
    and no transaction with it, however slowly they are taken."""
    mark: Mark | None = None
    while True:
        found, more = _take(keys_of(rows), read, order, mark, chunk)
        if found:
            yield found
        if not more or not found:
            return
        mark = Mark(getattr(found[-1], order.column), found[-1].pk)
