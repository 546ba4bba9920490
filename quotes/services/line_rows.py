"""The rows of one line of business in a comparison: what each option states, told apart.

Pure. A cell compares itself with the reference's; a row says whether its options differ, or leave
open what others state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from quotes.services import expiry
from quotes.services.comparison import line_word
from quotes.services.details import DETAILS
from quotes.services.frozen import Option, Policy
from quotes.services.leaning import Leaning, leaning
from quotes.services.money import day_words, dollars
from quotes.services.points import NOT_STATED, PRICE_ONLY, Point, Side, Verdict, points_of, shown_of

Held = Sequence[Policy | None]
"""The policies of a row, one for each column; None where it has no such line."""


@dataclass(frozen=True)
class Cell:
    """What one column states. `text` is "—" where it is not stated, "" where it has no such line.

    `differs` is against the reference, and `leans` says whether it is more cover than that or
    less, where that can be told; `note` a remark of ours, `warns` that it needs a look.
    """

    text: str
    differs: bool = False
    note: str = ""
    warns: bool = False
    leans: Leaning | None = None

    @property
    def absent(self) -> bool:
        return not self.text

    @property
    def stated(self) -> bool:
        return self.text not in ("", NOT_STATED)


@dataclass(frozen=True)
class Row:
    """One thing in every column. `differs`: two columns state different things; `unknown`: some
    state it and others do not, or nobody does although it counts. `always` is what tells whose
    policy it is, and for how much."""

    label: str
    cells: Sequence[Cell]
    differs: bool = False
    unknown: bool = False
    money: bool = False
    always: bool = False

    @property
    def telling(self) -> bool:
        """Whether it stays when only what differs is asked for."""
        return self.always or self.differs or self.unknown


@dataclass(frozen=True)
class Group:
    """The rows of a line."""

    line: str
    title: str
    rows: Sequence[Row]


def line_group(key: str, options: Sequence[Option], reference: int, now: datetime) -> Group:
    """The rows of the line `key` of these options' policies, compared with `reference`."""
    held = [option.policies.get(key) for option in options]
    line = next((policy.line for policy in held if policy is not None), key)
    rows = [
        _carriers(held, options),
        _premiums(held),
        _plain("Product", held, lambda policy: policy.product or NOT_STATED),
        _plain("Quote id", held, lambda policy: policy.quote_ref or NOT_STATED),
    ]
    rows += [_compared(point, reference) for point in points_of(line, held)]
    rows += _ways_to_pay(line, held)
    rows.append(_expiries(held, reference, now))
    title = line_word(key)
    return Group(line, title[:1].upper() + title[1:] or "Line not given", rows)


def _carriers(held: Held, options: Sequence[Option]) -> Row:
    def cell(policy: Policy | None, option: Option) -> Cell:
        if policy is None:
            return Cell(NOT_STATED if option.in_force else "Not in this package")
        unsent = not policy.in_force and not policy.offering_id
        return Cell(policy.name, note="not among what we sent" if unsent else "", warns=unsent)

    cells = [cell(policy, option) for policy, option in zip(held, options, strict=True)]
    missing = None in held
    return Row("Carrier", cells, unknown=missing, always=True)


def _premiums(held: Held) -> Row:
    def cell(policy: Policy) -> Cell:
        other = policy.returned is not None and policy.returned != policy.premium
        note = f"Nexio returned {dollars(policy.returned)}" if other else ""
        return Cell(dollars(policy.premium), note=note, warns=other)

    cells = [Cell("") if policy is None else cell(policy) for policy in held]
    return Row("Premium a year", cells, money=True, always=True)


def _plain(label: str, held: Held, text: Callable[[Policy], str]) -> Row:
    cells = [Cell("") if policy is None else Cell(text(policy)) for policy in held]
    return Row(label, cells)


def _ways_to_pay(line: str, held: Held) -> list[Row]:
    """Prices beside the premium: shown, and no part of what is compared."""
    rows = []
    for detail in DETAILS.get(line, ()):
        if detail.code in PRICE_ONLY:
            row = _plain(detail.label, held, partial(shown_of, code=detail.code))
            if any(cell.stated for cell in row.cells):
                cells = [replace(cell, text=_capital(cell.text)) for cell in row.cells]
                rows.append(replace(row, cells=cells, always=True))
    return rows


def _compared(point: Point, reference: int) -> Row:
    """A row whose sides were compared: each with the reference's, and each with every other."""
    count = len(point.sides)
    pairs = [point.verdict(one, other) for one in range(count) for other in range(one + 1, count)]
    beside = point.sides[reference]

    def cell(at: int, side: Side | None) -> Cell:
        if side is None:
            return Cell("")
        differs = point.verdict(at, reference) is Verdict.DIFFERS
        leans = leaning(point.code, side, beside) if differs and beside is not None else None
        return Cell(_capital(side.text), differs=differs, leans=leans)

    cells = [cell(at, side) for at, side in enumerate(point.sides)]
    return Row(
        point.label, cells, differs=Verdict.DIFFERS in pairs, unknown=Verdict.UNKNOWN in pairs
    )


def _expiries(held: Held, reference: int, now: datetime) -> Row:
    def note(policy: Policy) -> str:
        if policy.expires_at is None or not expiry.is_soon(policy.expires_at, now):
            return ""
        left = expiry.days_left(policy.expires_at, now)
        if policy.expires_at <= now:
            return "expired"
        return "expires today" if left <= 0 else f"in {left} day{'' if left == 1 else 's'}"

    ends = [None if policy is None else policy.expires_at for policy in held]
    days = [None if end is None else expiry.last_day(end) for end in ends]
    beside = days[reference]
    cells = []
    for policy, day in zip(held, days, strict=True):
        if policy is None or (policy.in_force and day is None):
            # What is in force does not lapse as a quote does; that it states no expiry is no gap.
            cells.append(Cell(""))
            continue
        said = note(policy)
        differs = None not in (day, beside) and day != beside
        cells.append(Cell(day_words(day), differs=differs, note=said, warns=bool(said)))
    stated = {day for day in days if day is not None}
    silent = any(cell.text == NOT_STATED for cell in cells)
    return Row("Quote good until", cells, differs=len(stated) > 1, unknown=bool(stated) and silent)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
