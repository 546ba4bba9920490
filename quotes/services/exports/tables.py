"""What an export of a run's comparison holds: packages line by line, offerings, facts.

Pure. Cells are typed: numbers stay numbers and days days, so that only the writers know formats.
None is an empty cell: not stated, or not given. Zero and "none" are written as such.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from quotes.models import Run, SolutionLine
from quotes.services import comparison, expiry
from quotes.services.checks import Check, Outcome
from quotes.services.compared import Compared
from quotes.services.details import DETAILS
from quotes.services.frozen import Frozen, Policy
from quotes.services.money import dollars
from quotes.services.points import shown_of, term_of
from quotes.services.ranked import Placed, Ranking
from quotes.services.reconciliation import household_state, likely_reasons
from quotes.services.weighed import check_words
from quotes.services.what_if.origin import SupposedPremiums
from quotes.services.workspace import Workspace

Cell = str | int | Decimal | date | datetime | None
Kind = Literal["text", "long", "count", "money", "number", "day"]
MATCHED = {**dict(SolutionLine.MATCHED_BY), "": ""}


@dataclass(frozen=True)
class Column:
    """A heading, what its cells are, and how wide it is in characters."""

    title: str
    kind: Kind
    width: int


@dataclass(frozen=True)
class Table:
    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


PACKAGES = (
    Column("Place", "count", 7),
    Column("Rank", "count", 7),
    Column("Label", "text", 16),
    Column("Level", "number", 9),
    Column("Cost, low", "money", 13),
    Column("Cost, high", "money", 13),
    Column("Single or mixed", "text", 14),
    Column("vs incumbent, low", "money", 13),
    Column("vs incumbent, high", "money", 13),
    Column("Like for like", "long", 30),
    Column("Checks that need a look", "long", 50),
    Column("Line", "text", 11),
    Column("Carrier", "text", 24),
    Column("Product", "text", 24),
    Column("Quote id", "text", 18),
    Column("Premium", "money", 13),
    Column("Premium sent", "money", 13),
    Column("Premium sent is", "text", 24),
    Column("Term, months", "count", 8),
    Column("Details", "long", 60),
    Column("Expires", "day", 12),
    Column("Matched", "text", 26),
    Column("Ranked by", "text", 40),
)
OFFERINGS = (
    Column("Line", "text", 11),
    Column("Carrier", "text", 24),
    Column("Product", "text", 24),
    Column("Quote id", "text", 18),
    Column("Premium", "money", 13),
    Column("Premium is", "text", 24),
    Column("Package id", "text", 18),
    Column("Package premium", "money", 15),
    Column("Term, months", "count", 8),
    Column("Expires", "day", 12),
    Column("In packages", "count", 11),
    Column("If in none, likely because (our guess)", "text", 44),
    Column("Details", "long", 60),
)
FACTS = (Column("Fact", "text", 26), Column("Value", "long", 70))


def packages_table(
    run: Run,
    shown: Sequence[Placed],
    compared: Compared,
    what_if: bool,
    supposed: SupposedPremiums,
    now: datetime,
) -> Table:
    """A row for each line of each package of `shown`, in that order; a package without lines
    has one row. `Place` is Nexio's order from 1, told apart even where ranks are not.

    A package's cost and its price difference stand in the row of its first line alone, so that
    adding up the column counts them once. Checks are as at `now`.

    Every row says who ranked it, whether the run is a what-if, and whether its package holds a
    premium that no carrier quoted: a row copied elsewhere must not pass for a quoted package.
    """
    by = ("sandbox" if run.sandbox else "Nexio") + (", what-if" if what_if else "")
    rows = [row for placed in shown for row in _package_rows(placed, compared, by, supposed, now)]
    return Table("Packages", PACKAGES, rows)


def _package_rows(
    placed: Placed, compared: Compared, by: str, supposed: SupposedPremiums, now: datetime
) -> Iterator[list[Cell]]:
    solution, frozen = placed.solution, compared.frozen
    named: list[Cell] = [
        placed.place + 1, solution.rank, solution.shown_label or None, solution.overall_level,
    ]  # fmt: skip
    saving = compared.savings[placed.place]
    said: list[Cell] = [
        ("mixed" if placed.mixed else "single") if placed.carriers else None,
        saving.difference.low,
        saving.difference.high,
        saving.likeness.words if saving.difference.stated else saving.difference.why or None,
        _open_checks(compared.checks(placed.place, now)),
    ]
    costs: list[Cell] = [solution.est_cost_low, solution.est_cost_high]
    if supposed.in_package(solution):
        by += " with a premium nobody quoted"
    lines = solution.returned
    for index, (line, offering) in enumerate(zip(lines, placed.offerings, strict=True)):
        policy = frozen.policy_of(line)
        sent = offering is not None
        once = index == 0
        yield [
            *named,
            *(costs if once else [None] * len(costs)),
            said[0],
            *(said[1:3] if once else [None, None]),
            *said[3:],
            line.shown_line or None,
            line.shown_carrier,
            line.product_name or None,
            line.carrier_ref or None,
            line.line_premium_annual,
            comparison.line_premium(offering) if offering is not None else None,
            _quoted(offering, supposed),
            term_of(policy) if sent else None,
            details_words(policy) if sent else None,
            _day(policy.expires_at) if sent else None,
            _matched(line, sent),
            by,
        ]
    if not lines:
        head = [*named, *costs, *said]
        yield [*head, *[None] * (len(PACKAGES) - len(head) - 1), by]


def _open_checks(checks: Sequence[Check]) -> str | None:
    """Those that need a look, with why."""
    open_ones = [check_words(check) for check in checks if check.outcome is not Outcome.FINE]
    return "; ".join(open_ones) or "none"


def _quoted(offering: Mapping[str, Any] | None, supposed: SupposedPremiums) -> str | None:
    """ "as quoted", "supposed, quoted at $5,120"; None for no offering or no premium."""
    if offering is None:
        return None
    own = supposed.by_id.get(str(offering.get("id")))
    if own is None:
        return None if comparison.line_premium(offering) is None else "as quoted"
    return "supposed, " + (
        "none quoted" if own.quoted is None else f"quoted at {dollars(own.quoted)}"
    )


def _matched(line: SolutionLine, sent: bool) -> str:
    if line.quote_line_id:
        return f"by {MATCHED[line.matched_by]}" if line.matched_by else "yes"
    return "sent, deleted since" if sent else "not among what was sent"


def details_words(policy: Policy) -> str | None:
    """All that a line states, in shorthand: "Form HO-5; Coverage A, dwelling $1,200,000; …"."""
    stated = [
        f"{detail.label} {shown_of(policy, detail.code)}"
        for detail in DETAILS.get(policy.line, ())
        if policy.details.get(detail.code) is not None
    ]
    return "; ".join(stated) or None


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else expiry.last_day(moment)


def offerings_table(
    run: Run, ranking: Ranking, frozen: Frozen, supposed: SupposedPremiums
) -> Table:
    """Every offering that was sent, whether its premium was quoted, and in how many of all
    packages it stands."""
    counted = Counter(
        str(each.get("id"))
        for placed in ranking.packages
        for each in {id(o): o for o in placed.offerings if o is not None}.values()
    )
    rows: list[list[Cell]] = []
    offerings = comparison.offerings_sent(run.request)
    state, sent_at = household_state(run.request), run.submitted_at or run.created_at
    for offering in offerings:
        sent_id = str(offering.get("id"))
        policy = frozen.policies[sent_id]
        reasons: tuple[str, ...] = ()
        if ranking.packages and not counted[sent_id]:
            reasons = likely_reasons(
                offering, offerings, ranking.lines, state=state, sent_at=sent_at
            )
        rows.append(
            [
                comparison.line_word(policy.line).capitalize(),
                policy.name,
                policy.product or None,
                policy.quote_ref or None,
                policy.premium,
                _quoted(offering, supposed),
                policy.package_id or None,
                policy.package_premium,
                term_of(policy),
                _day(policy.expires_at),
                counted[sent_id],
                "; ".join(reasons) or None,
                details_words(policy),
            ]
        )
    return Table("Offerings", OFFERINGS, rows)


def facts_table(
    run: Run,
    ranking: Ranking,
    workspace: Workspace,
    origin: str,
    supposed: SupposedPremiums,
    now: datetime,
) -> Table:
    """Whose run it is, by whom and when, ranked by what; and what the other tables leave out.

    `origin` says of a what-if what it supposes, "" for a run of what was quoted.
    """
    lines = comparison.in_words([comparison.line_word(line) for line in ranking.lines])
    filters = [*(chip.words for chip in workspace.chips if chip.current and chip.code != "all")]
    filters += [chip.words for chip in workspace.taken]
    budget = workspace.choice.budget
    filters = [each for each in filters if each != "At most"]
    if budget is not None:
        filters.append(f"costs at most ${budget:,.2f}")
    starter = run.started_by
    rows: list[list[Cell]] = [
        ["Insured", run.insured.shown_name],
        ["Run", run.number],
        ["Started by", starter.shown_name if starter else None],
        ["Started", run.created_at],
        ["Completed, as Nexio says", run.completed_at],
        ["State", run.get_state_display()],
        ["Nexio status", run.nexio_status or None],
        ["Nexio run id", run.nexio_run_id or None],
        ["Environment", run.environment or None],
        ["Ranked by", SANDBOX if run.sandbox else "Nexio"],
        ["What-if", origin or "no: as quoted"],
        ["Premiums nobody quoted", supposed.words or "none"],
        ["Lines requested", lines or None],
        ["Appetite", run.get_appetite_display() or None],
        ["Offerings sent", len(comparison.offerings_sent(run.request))],
        ["Packages returned", workspace.total],
        ["Packages in this file", workspace.matching],
        ["Filters", "; ".join(filters) or "none"],
        ["Order", workspace.sorted_by or "Nexio's rank"],
        ["Incumbent, requested lines", ranking.incumbent.total],
        ["Exported", now],
    ]
    rows += [[None, words] for words in NOTES]
    return Table("Run", FACTS, rows)


SANDBOX = "the sandbox that ships with the portal, not Nexio: present to nobody"
NOTES = (
    "An empty cell: not stated, or not given. Zero and none are written.",
    "A package's cost and its difference to the incumbent stand in the row of its first line.",
    "Premiums count as a year's. A term that is not 12 months: confirm the price of a year.",
    "Rank, label, level and cost are Nexio's, as returned. The level has no documented scale.",
    "Details and expiry are what was sent for the line. Checks are ours, not Nexio's.",
    "Labels name what a package was ranked for; they are no advice on limits.",
)
