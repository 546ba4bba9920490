"""What a proposal says: from the frozen request, the stored solutions and the broker's notes.

Pure: gives strings for the typesetter, which shows them as they are. A price beside today's
policies never stands without how far the two are like for like.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from django.utils import timezone

from quotes.models import LINES, Line, Run, Solution, SolutionLine
from quotes.services import comparison, expiry
from quotes.services.comparison import in_words, line_word
from quotes.services.details import DETAILS
from quotes.services.frozen import Frozen, Option
from quotes.services.like_for_like import compare_options
from quotes.services.matrix import beside_lines
from quotes.services.money import NOT_STATED, day_words, dollars, dollars_between, signed_dollars
from quotes.services.package_checks import check_package
from quotes.services.points import PRICE_ONLY, shown_of

LETTERS = "ABCDEFGH"
COVERAGE_WORDS = (
    "As the carriers stated it in their quotes. “—” is not stated: it is not known, and neither "
    "none nor the same. Rows marked “differs” are not the same in all columns."
)
SANDBOX_WORDS = (
    "SAMPLE – not for presentation. These packages were ranked by the sandbox that ships with the "
    "app, not by Nexio."
)
DISCLAIMERS = (
    "This proposal is a summary to compare by. It is not a policy and not a binder: nothing is "
    "insured by it.",
    "Premiums are a year's, as the carriers quoted them. They are subject to underwriting, reports "
    "and inspection, and may change until a carrier issues the policy.",
    "A price holds until the end of the day shown with it. An option as a whole is good until the "
    "first of its lines ends.",
    "Only the policies themselves say what is covered. Higher limits than those quoted may be had: "
    "ask us to quote several.",
)


@dataclass(frozen=True)
class Pick:
    """A package in a proposal: its letter there, and what was sent for its lines."""

    letter: str
    solution: Solution
    option: Option
    split: Sequence[str]

    @property
    def name(self) -> str:
        return f"Option {self.letter}"

    @property
    def lines(self) -> list[SolutionLine]:
        order = {line: index for index, line in enumerate(LINES)}
        every = self.solution.lines.all()
        return sorted(every, key=lambda line: order.get(line.category, len(order)))


def proposal_data(
    *,
    run: Run,
    solutions: Sequence[Solution],
    chosen: Solution | None,
    notes: str,
    broker: str,
    agency: Mapping[str, Any],
    number: int,
    now: datetime,
) -> dict[str, Any]:
    """All of a proposal as strings. `solutions` in the order of their letters, with
    `lines__carrier` prefetched; `chosen` is marked where it is among them."""
    frozen = Frozen(run.request, run.offering_lines)
    picks = [_pick(LETTERS[i], each, frozen, now) for i, each in enumerate(solutions)]
    lines = comparison.requested_lines(run.request) or list(run.coverage_types)
    incumbent = comparison.incumbent_of(run.request, lines)
    today = frozen.incumbent(lines)
    name = run.insured.applicant_name
    day = day_words(timezone.localdate(now))
    return {
        "title": f"Insurance proposal for {name}" if name else "Insurance proposal",
        "author": agency["name"] or broker,
        "agency": dict(agency),
        "broker": broker,
        "prepared": day,
        "place": run.insured.place,
        "foot": f"Proposal {number}, {day}",
        "sandbox": run.sandbox,
        "sandbox_words": SANDBOX_WORDS,
        "notes": notes,
        "options": [
            {
                "name": pick.name,
                "chosen": chosen is not None and pick.solution.pk == chosen.pk,
                **_totals(pick, frozen),
                **_beside_today(pick, incumbent, today, lines),
            }
            for pick in picks
        ],
        "lines": _rows(picks, frozen, now),
        "today": "" if incumbent.total is None else f"Beside {dollars(incumbent.total)} today",
        "coverage": _coverage(picks, today, lines),
        "coverage_today": today is not None,
        "coverage_intro": COVERAGE_WORDS,
        "disclaimers": [*DISCLAIMERS, *_unconfirmed(picks)],
    }


def _pick(letter: str, solution: Solution, frozen: Frozen, now: datetime) -> Pick:
    option = frozen.option(solution)
    checks = [check for check in check_package(option, frozen, now) if check.code == "split"]
    return Pick(letter, solution, option, [each for check in checks for each in check.details])


def _rows(picks: Sequence[Pick], frozen: Frozen, now: datetime) -> list[dict[str, Any]]:
    """A row for each line of business, with a cell for each option."""
    known = list(dict.fromkeys(line.category for pick in picks for line in pick.lines))
    order = [*(line for line in LINES if line in known), *(c for c in known if c not in LINES)]
    rows = []
    for category in order:
        per_option = [[line for line in p.lines if line.category == category] for p in picks]
        for cells in zip_longest(*per_option):
            label = next(line.shown_line for line in cells if line is not None)
            shown = [_cell(line, frozen, now) for line in cells]
            rows.append({"label": label or "Line not given", "cells": shown})
    return rows


def _cell(line: SolutionLine | None, frozen: Frozen, now: datetime) -> dict[str, Any]:
    if line is None:
        return {"carrier": "", "product": "", "premium": "", "expires": "", "expired": False}
    end = frozen.policy_of(line).expires_at
    gone = end is not None and end <= now
    premium = line.line_premium_annual
    if end is None:
        until = "price expiry not stated"
    else:
        until = f"price {'ended' if gone else 'good until'} {day_words(expiry.last_day(end))}"
    return {
        "carrier": line.shown_carrier,
        "product": line.product_name or frozen.policy_of(line).product,
        "premium": "Premium not stated" if premium is None else f"{dollars(premium)} a year",
        "expires": until,
        "expired": gone,
    }


def _totals(pick: Pick, frozen: Frozen) -> dict[str, str]:
    """Nexio's cost, our sum of the lines with what lies between, and the first line to end."""
    solution = pick.solution
    low, high = solution.est_cost_low, solution.est_cost_high
    premiums = [line.line_premium_annual for line in pick.lines]
    stated = [premium for premium in premiums if premium is not None]
    total = sum(stated, Decimal(0)) if premiums and len(stated) == len(premiums) else None
    remarks = ["a range while a bundle discount is unconfirmed"] if solution.is_range else []
    if pick.split:
        remarks.append("unconfirmed if split")
    beside = "" if total is None or low is None or low != high else beside_lines(low, total)
    ends = {line: frozen.policy_of(line).expires_at for line in pick.lines}
    first = min((end for end in ends.values() if end is not None), default=None)
    whose = [line_word(line.category) for line, end in ends.items() if end == first]
    missing = [line_word(line.category) for line, end in ends.items() if end is None]
    unsaid = f"{in_words(missing)} not stated" if missing else ""
    if first is not None:
        ends_first = f"{in_words(whose)} {'ends' if len(whose) == 1 else 'end'} first"
        alike = len(whose) == len(ends)
        unsaid = "; ".join(part for part in ("" if alike else ends_first, unsaid) if part)
    return {
        "cost": dollars_between(low, high),
        "cost_remark": "; ".join(remarks),
        "sum": dollars(total),
        "sum_remark": beside if total is not None else "not every premium is stated",
        "expires": NOT_STATED if first is None else day_words(expiry.last_day(first)),
        "expires_remark": unsaid,
    }


def _beside_today(
    pick: Pick, incumbent: comparison.Incumbent, today: Option | None, lines: Sequence[str]
) -> dict[str, str]:
    difference = comparison.price_difference(pick.solution, incumbent, lines)
    if not difference.stated or today is None:
        return {"difference": NOT_STATED, "difference_remark": difference.why}
    likeness = compare_options(pick.option, today, lines)
    how = "like for like" if likeness.alike else f"not like for like: {likeness.words}, see below"
    return {"difference": difference_words(difference), "difference_remark": how}


def difference_words(difference: comparison.Difference) -> str:
    ends = [end for end in (difference.low, difference.high) if end is not None]
    return " to ".join(dict.fromkeys(signed_dollars(end) for end in ends)) or NOT_STATED


def _coverage(
    picks: Sequence[Pick], today: Option | None, lines: Sequence[str]
) -> list[dict[str, Any]]:
    """For each line, every term that anybody states, beside one another, and whether they
    state it otherwise or not all state it."""
    options = [*([] if today is None else [today]), *(pick.option for pick in picks)]
    every = list(dict.fromkeys([*lines, *(line for o in options for line in o.policies)]))
    tables = []
    for line in (line for line in LINES if line in every):
        held = [option.policies.get(line) for option in options]
        rows = []
        for detail in DETAILS[line]:
            if detail.code in PRICE_ONLY:
                continue
            cells = ["" if each is None else shown_of(each, detail.code) for each in held]
            stated = [cell for cell in cells if cell not in {"", NOT_STATED}]
            if not stated:
                continue
            mark = "not all known" if NOT_STATED in cells else ""
            mark = "differs" if len(set(stated)) > 1 else mark
            rows.append({"label": detail.label, "cells": cells, "mark": mark})
        if rows:
            tables.append({"line": str(Line(line).label), "rows": rows})
    return tables


def _unconfirmed(picks: Sequence[Pick]) -> list[str]:
    found = [f"{pick.name}: {each}" for pick in picks for each in pick.split]
    if not found:
        return []
    return [
        "“Unconfirmed if split” means that a carrier may change its price when a line is taken "
        f"without the rest of its package. {'. '.join(found)}."
    ]
