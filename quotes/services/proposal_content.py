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

from quotes.models import LINES, Decision, Line, Run, Solution, SolutionLine
from quotes.services import comparison, expiry
from quotes.services.checks import Check
from quotes.services.comparison import in_words, line_word
from quotes.services.details import DETAILS
from quotes.services.frozen import Frozen, Option
from quotes.services.like_for_like import compare_options
from quotes.services.matrix import beside_lines
from quotes.services.money import NOT_STATED, day_words, dollars, dollars_between, signed_dollars
from quotes.services.package_checks import check_package
from quotes.services.points import PRICE_ONLY, shown_of
from quotes.services.proposal_words import glossary, points_to_confirm
from quotes.services.term_words import term_remark

LETTERS = "ABCDEFGH"
COVERAGE_WORDS = (
    "As the carriers stated it in their quotes. “—” is not stated: it is not known, and neither "
    "none nor the same. The tables list what is not the same in all columns; what is the same "
    "stands below them."
)
SANDBOX_WORDS = (
    "SAMPLE – not for presentation. These packages were ranked by the sandbox that ships with the "
    "app, not by Nexio."
)
DISCLAIMERS = (
    "This proposal is a summary to compare by. It is not a policy and not a binder: nothing is "
    "insured by it.",
    "Premiums are a year's, as the carriers quoted them, unless another term stands beside. They "
    "are subject to underwriting, reports and inspection, and may change until a carrier issues "
    "the policy.",
    "A price holds until the end of the day shown with it. An option as a whole is good until the "
    "first of its lines ends.",
    "Only the policies themselves say what is covered. Higher limits than those quoted may be had: "
    "ask us to quote several. No limit here is advice on how much you need.",
)


@dataclass(frozen=True)
class Pick:
    """A package in a proposal: its letter there, and what was sent for its lines."""

    letter: str
    solution: Solution
    option: Option
    checks: Sequence[Check]

    @property
    def split(self) -> bool:
        """Whether a line is taken without the rest of its package."""
        return any(check.code == "split" for check in self.checks)

    @property
    def name(self) -> str:
        return f"Option {self.letter}"

    @property
    def lines(self) -> list[SolutionLine]:
        order = {line: index for index, line in enumerate(LINES)}
        every = self.solution.returned
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
    coverage = _coverage(picks, today, lines)
    confirm = [{"name": pick.name, "points": points_to_confirm(pick.checks)} for pick in picks]
    return {
        **_head_and_foot(run, agency, broker, number, now),
        "notes": notes,
        "options": [
            {
                "name": pick.name,
                "chosen": chosen is not None and pick.solution.pk == chosen.pk,
                "mark": _mark(run) if chosen is not None and pick.solution.pk == chosen.pk else "",
                **_totals(pick, frozen),
                **_beside_today(pick, incumbent, today, lines),
            }
            for pick in picks
        ],
        "lines": _rows(picks, frozen, now),
        "today": "" if incumbent.total is None else f"Beside {dollars(incumbent.total)} today",
        "in_force": _in_force(today, lines),
        "coverage": coverage,
        "coverage_today": today is not None,
        "coverage_intro": COVERAGE_WORDS,
        "confirm": [each for each in confirm if each["points"]],
        "glossary": glossary(_said(coverage, confirm)),
        "disclaimers": list(DISCLAIMERS),
    }


def _head_and_foot(
    run: Run, agency: Mapping[str, Any], broker: str, number: int, now: datetime
) -> dict[str, Any]:
    """Whose proposal it is, from whom, of which day; and that the sandbox ranked it."""
    name, day = run.insured.applicant_name, day_words(timezone.localdate(now))
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
    }


def _mark(run: Run) -> str:
    """What stands over the chosen package: the insured's own choice only once it was one."""
    taken = run.decision in {Decision.ACCEPTED, Decision.BOUND}
    return "The option you accepted" if taken else "Our suggestion"


def _in_force(today: Option | None, lines: Sequence[str]) -> list[dict[str, str]]:
    """Today's policies, a row for each requested line."""
    if today is None:
        return []
    held = [(line, today.policies.get(line)) for line in lines if line in LINES]
    return [
        {
            "line": str(Line(line).label),
            "carrier": NOT_STATED if policy is None else policy.carrier or NOT_STATED,
            "premium": NOT_STATED if policy is None else dollars(policy.premium),
        }
        for line, policy in held
    ]


def _said(coverage: Sequence[Mapping[str, Any]], confirm: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every text of a proposal in which a term of the trade may stand."""
    found = [point for each in confirm for point in each["points"]]
    for table in coverage:
        found += [table["line"], table["same"]]
        found += [text for row in table["rows"] for text in (row["label"], *row["cells"])]
    return found


def _pick(letter: str, solution: Solution, frozen: Frozen, now: datetime) -> Pick:
    option = frozen.option(solution)
    return Pick(letter, solution, option, check_package(option, frozen, now))


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
        "premium": _premium_words(premium, term_remark(frozen.policy_of(line))),
        "expires": until,
        "expired": gone,
    }


def _premium_words(premium: Decimal | None, term: str) -> str:
    """ "$1,200 a year"; of a term that is none, "$4,756.24, 6-month term: confirm …"."""
    if premium is None:
        return "Premium not stated"
    return f"{dollars(premium)}, {term}" if term else f"{dollars(premium)} a year"


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
    terms = [check.words for check in pick.checks if check.code == "term"]
    remarks += terms
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
    """For each line, every term that anybody states, beside one another; what all state alike in
    one sentence."""
    options = [*([] if today is None else [today]), *(pick.option for pick in picks)]
    every = list(dict.fromkeys([*lines, *(line for o in options for line in o.policies)]))
    tables = []
    for line in (line for line in LINES if line in every):
        held = [option.policies.get(line) for option in options]
        rows, same = [], []
        for detail in DETAILS[line]:
            if detail.code in PRICE_ONLY:
                continue
            cells = ["" if each is None else shown_of(each, detail.code) for each in held]
            stated = [cell for cell in cells if cell not in {"", NOT_STATED}]
            if not stated:
                continue
            alike = len(set(stated)) == 1
            if alike and len(stated) == len(cells) > 1:
                same.append(f"{detail.label}: {stated[0]}")
                continue
            # "—" under today says so itself; that an option leaves it open is what one asks about.
            mark = "not all known" if NOT_STATED in cells[len(cells) - len(picks) :] else ""
            rows.append({"label": detail.label, "cells": cells, "mark": mark})
        if rows or same:
            said = f"The same in all: {'; '.join(same)}." if same else ""
            tables.append({"line": str(Line(line).label), "rows": rows, "same": said})
    return tables
