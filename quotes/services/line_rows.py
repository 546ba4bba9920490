"""The rows of one line of business in a comparison: what each option states, told apart.

Pure. A cell compares itself with the reference's; a row says whether its options differ, or leave
open what others state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from quotes.services import expiry
from quotes.services.comparison import line_word
from quotes.services.details import DETAILS, Detail, shown_detail
from quotes.services.details.catalogue import PRICE_GROUP
from quotes.services.frozen import Option, Policy
from quotes.services.like_for_like import CORE, NOT_STATED, Verdict, shown_of, term_of, verdict_on
from quotes.services.money import day_words, dollars
from quotes.services.shorthand import TRIGGERS

Json = Any
Held = Sequence[Policy | None]
"""The policies of a row, one for each column; None where it has no such line."""


@dataclass(frozen=True)
class Cell:
    """What one column states. `text` is "—" where it is not stated, "" where it has no such line.

    `differs` is against the reference; `note` a remark of ours, `warns` that it needs a look.
    """

    text: str
    differs: bool = False
    note: str = ""
    warns: bool = False

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
    for detail in DETAILS.get(line, ()):
        rows += _detail_rows(detail, line, held, reference)
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


def _detail_rows(detail: Detail, line: str, held: Held, reference: int) -> list[Row]:
    """A detail's rows: one, or one for every trigger of a deductible. None where no option states
    it and it is none of what counts."""
    core = detail.code in CORE.get(line, ())
    if detail.code == "term":
        return [_terms(held, reference)]
    if detail.code == "deductibles":
        return _deductibles(held, reference)
    values = [None if policy is None else policy.details.get(detail.code) for policy in held]
    if not core and all(value is None for value in values):
        return []
    texts = ["" if p is None else _capital(shown_of(p, detail.code)) for p in held]
    asked = _asked(held) if detail.group == PRICE_GROUP else ()
    return [_compared(detail.label, detail.code, values, texts, reference, core=core, asked=asked)]


def _deductibles(held: Held, reference: int) -> list[Row]:
    stated: list[dict[str, Json]] = [
        {} if policy is None else policy.details.get("deductibles") or {} for policy in held
    ]
    rows = []
    for trigger, word in TRIGGERS.items():
        if trigger != "aop" and not any(trigger in each for each in stated):
            continue
        texts = [
            "" if policy is None else _deductible(policy, trigger, each.get(trigger))
            for policy, each in zip(held, stated, strict=True)
        ]
        values = [each.get(trigger) for each in stated]
        label = f"Deductible, {word}"
        rows.append(
            _compared(label, "deductibles", values, texts, reference, core=trigger == "aop")
        )
    return rows


def _deductible(policy: Policy, trigger: str, value: Json) -> str:
    """ "$2,500", "2% ($24,000)", "Excluded": the trigger stands in the row's label."""
    if value is None:
        return NOT_STATED
    one = Policy(
        policy.line,
        policy.carrier,
        details={**policy.details, "deductibles": {trigger: value}},
    )
    return _capital(shown_of(one, "deductibles").replace(f" {TRIGGERS[trigger]}", ""))


def _terms(held: Held, reference: int) -> Row:
    def text(policy: Policy) -> str:
        months = term_of(policy)
        if months is None:
            return NOT_STATED
        said = f"{months} month{'' if months == 1 else 's'}"
        stated = policy.details.get("term")
        if stated is None:
            return said
        paid = shown_detail(policy.line, "term", stated).split(" / ")[0]
        return f"{said}, {paid} each"

    values = [None if policy is None else term_of(policy) for policy in held]
    texts = ["" if policy is None else text(policy) for policy in held]
    return _compared("Term", "term", values, texts, reference, asked=_asked(held))


def _expiries(held: Held, reference: int, now: datetime) -> Row:
    def note(policy: Policy) -> str:
        if policy.expires_at is None or not expiry.is_soon(policy.expires_at, now):
            return ""
        left = expiry.days_left(policy.expires_at, now)
        if policy.expires_at <= now:
            return "expired"
        return "expires today" if left <= 0 else f"in {left} day{'' if left == 1 else 's'}"

    values = [None if policy is None else policy.expires_at for policy in held]
    days = [None if end is None else expiry.last_day(end) for end in values]
    # What is in force does not lapse as a quote does; that it states no expiry is no gap.
    texts = ["" if policy is None or policy.in_force else NOT_STATED for policy in held]
    texts = [text if day is None else day_words(day) for text, day in zip(texts, days, strict=True)]
    notes = ["" if policy is None else note(policy) for policy in held]
    return _compared("Quote good until", "", days, texts, reference, notes=notes)


def _compared(
    label: str,
    code: str,
    values: Sequence[Json],
    texts: Sequence[str],
    reference: int,
    *,
    core: bool = False,
    notes: Sequence[str] = (),
    asked: Sequence[bool] = (),
) -> Row:
    """A row whose values were compared: each with the reference's, and each with every other.

    A column that is not `asked` leaves no gap by stating nothing.
    """
    beside = values[reference]
    cells = [
        Cell(
            text,
            differs=_verdict(code, value, beside) is Verdict.DIFFERS,
            note=notes[index] if notes else "",
            warns=bool(notes and notes[index]),
        )
        for index, (text, value) in enumerate(zip(texts, values, strict=True))
    ]
    pairs = [
        _verdict(code, one, other)
        for index, one in enumerate(values)
        for other in values[index + 1 :]
    ]
    silent = sum(
        cell.text == NOT_STATED and (not asked or asked[index]) for index, cell in enumerate(cells)
    )
    some = any(cell.stated for cell in cells)
    return Row(
        label,
        cells,
        differs=Verdict.DIFFERS in pairs,
        unknown=Verdict.UNKNOWN in pairs or bool(silent and (some or core)),
    )


def _asked(held: Held) -> list[bool]:
    """Of which columns price and term are asked: a policy in force is seldom told its own."""
    return [policy is None or not policy.in_force for policy in held]


def _verdict(code: str, one: Json, other: Json) -> Verdict | None:
    return None if one is None or other is None else verdict_on(code, one, other)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
