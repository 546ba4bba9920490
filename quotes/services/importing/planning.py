"""What a table would change: compared with what is stored, in a constant number of queries.

Nothing is written here. The same plan is the preview's and, made again under locks, the one that
is written, so that what was shown is what is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Prefetch

from quotes.models import LINES, Insured, Line, Quote, QuoteLine, User
from quotes.services import intake
from quotes.services.importing import matching, terms
from quotes.services.importing.carriers import CarrierPlan, planned_carriers
from quotes.services.importing.households import (
    COLUMNS,
    Household,
    Known,
    grouped,
    known_households,
    plain,
)
from quotes.services.importing.preview import DASH, Change, State, label, shown
from quotes.services.importing.stated import Problem, StatedLine, StatedQuote

RENEWED = (
    "this household was renewed: its quotes go into the renewal. Make sure that they are not last "
    "term's"
)


@dataclass
class LinePlan:
    """A line of a quote: `stored` where there is one; what is set, and from which headings."""

    name: str
    stored: QuoteLine | None
    columns: dict[str, Any]
    details: dict[str, Any]
    headings: dict[str, str]
    touched: bool = True


@dataclass
class QuotePlan:
    stated: StatedQuote
    stored: Quote | None
    carrier: CarrierPlan
    columns: dict[str, Any] = field(default_factory=dict)
    lines: list[LinePlan] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    @property
    def state(self) -> State:
        if self.stored is None:
            return State.CREATED
        return State.CHANGED if self.changes else State.UNCHANGED


@dataclass
class InsuredPlan:
    home: Household
    stored: Insured | None
    identity_key: str = ""
    columns: dict[str, Any] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    quotes: list[QuotePlan] = field(default_factory=list)

    @property
    def state(self) -> State:
        if self.stored is None:
            return State.CREATED
        return State.CHANGED if self.changes else State.UNCHANGED


@dataclass
class Plan:
    insureds: list[InsuredPlan] = field(default_factory=list)
    new_carriers: list[CarrierPlan] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


def plan_import(
    *, stated: Sequence[StatedQuote], owner: User, target: Insured | None, lock: bool = False
) -> Plan:
    """Decide for every stated quote what becomes of it among the owner's insureds and those
    shared with them.

    `lock` holds the insureds concerned until the end of the caller's transaction.
    """
    plan = Plan()
    stated = _without_repeats(stated, plan)
    known = known_households(owner)
    homes, problems = grouped(stated, known, target)
    plan.problems += problems
    insureds, quotes = _stored_rows([home.pk for home in homes if home.pk], lock=lock)
    carriers, plan.new_carriers, warnings = planned_carriers(stated)
    plan.warnings += warnings
    for home in homes:
        stored = insureds.get(home.pk) if home.pk else None
        plan.insureds.append(_insured(home, stored, plan))
        if stored is not None and stored.renewal_of_id and target is None:
            plan.warnings.append(Problem(RENEWED, row=home.quotes[0].row, blocking=False))
        _plan_quotes(plan, plan.insureds[-1], quotes.get(home.pk, []), carriers)
    _refuse_taken_keys(plan, known, owner)
    return plan


def _without_repeats(stated: Sequence[StatedQuote], plan: Plan) -> list[StatedQuote]:
    """Leave out a quote that says, word for word, what an earlier one does."""
    alike: dict[tuple[Any, ...], list[StatedQuote]] = {}
    repeats = set()
    for quote in stated:
        key = (quote.carrier_name, quote.insured.get("applicant_name"), *quote.lines)
        earlier = alike.setdefault(key, [])
        first = next((each for each in earlier if _same(each, quote)), None)
        if first is None:
            earlier.append(quote)
            continue
        repeats.add(id(quote))
        told = f"says the same as row {first.row}; it is taken once"
        plan.warnings.append(Problem(told, row=quote.row, blocking=False))
    return [quote for quote in stated if id(quote) not in repeats]


def _same(one: StatedQuote, other: StatedQuote) -> bool:
    return (
        one.insured == other.insured
        and one.columns == other.columns
        and all(
            line.columns == other.lines[name].columns and line.details == other.lines[name].details
            for name, line in one.lines.items()
        )
    )


def _stored_rows(
    pks: Sequence[UUID], *, lock: bool
) -> tuple[dict[UUID, Insured], dict[UUID | None, list[Quote]]]:
    """The insureds, and their quotes with lines: three queries, however many they are."""
    if not pks:
        return {}, {}
    rows = Insured.objects.filter(pk__in=pks).defer("document", "body_document")
    if lock:
        # In one order for everybody, so that no two imports wait for each other.
        rows = rows.order_by("pk").select_for_update(of=("self",))
    insureds = {each.pk: each for each in rows}
    quotes: dict[UUID | None, list[Quote]] = {}
    stored = Quote.objects.filter(insured__in=list(insureds)).defer("document")
    for quote in stored.prefetch_related(Prefetch("lines", QuoteLine.objects.all())):
        quotes.setdefault(quote.insured_id, []).append(quote)
    return insureds, quotes


def _insured(home: Household, stored: Insured | None, plan: Plan) -> InsuredPlan:
    columns = {name: home.columns[name] for name in COLUMNS if home.columns.get(name)}
    planned = InsuredPlan(home, stored)
    if stored is None:
        planned.columns = columns
    else:
        for name, value in columns.items():
            before = getattr(stored, name)
            if plain(before) != plain(value) and not (
                name == "zip_code" and before.startswith(value)
            ):
                planned.columns[name] = value
                planned.changes.append(Change(label(name), shown(name, before), shown(name, value)))
    planned.identity_key = _identity(home, stored, planned.columns)
    return planned


def _identity(home: Household, stored: Insured | None, columns: dict[str, Any]) -> str:
    """By what a later import knows the household; a key of another kind stays as it came."""
    before = stored.identity_key if stored else ""
    if stored is None and home.own_id:
        return intake.own_key(home.own_id)
    if before and not before.startswith("name:"):
        return before
    if stored is not None and not columns:
        return before
    name, state, zip_code = (
        columns.get(each) or (getattr(stored, each) if stored else "")
        for each in ("applicant_name", "state", "zip_code")
    )
    return intake.name_key(name, state, zip_code)


def _taken_at_its_brokers(planned: InsuredPlan, importer: User) -> bool:
    stored = planned.stored
    if stored is None or stored.owner_id == importer.pk or not planned.identity_key:
        return False
    theirs = Insured.objects.filter(owner=stored.owner_id, identity_key=planned.identity_key)
    return theirs.exclude(pk=stored.pk).exists()


def _refuse_taken_keys(plan: Plan, known: Iterable[Known], owner: User) -> None:
    """A household cannot take the name and place of another one that is stored.

    A shared one is among its broker's, too, not all of which the importer sees.
    """
    holders = {each.identity_key: each.pk for each in known if each.identity_key}
    for each in plan.insureds:
        if each.stored is None or each.identity_key == each.stored.identity_key:
            continue
        holder = holders.get(each.identity_key)
        if (holder is not None and holder != each.stored.pk) or _taken_at_its_brokers(each, owner):
            plan.problems.append(
                Problem(
                    "another of your insureds has this name, state and ZIP code already. Correct "
                    "the one that is wrong",
                    row=each.home.quotes[0].row,
                )
            )


def _plan_quotes(
    plan: Plan,
    insured: InsuredPlan,
    stored: Sequence[Quote],
    carriers: dict[int, CarrierPlan],
) -> None:
    stated = insured.home.quotes
    pairs, warnings = matching.matched(
        stated, stored, {id(quote): carriers[id(quote)].pk for quote in stated}
    )
    plan.warnings += warnings
    _refuse_repeated_packages(plan, stated)
    for quote in stated:
        found = pairs.get(id(quote))
        planned = QuotePlan(quote, found, carriers[id(quote)])
        if found is None:
            planned.columns = quote.columns
        else:
            _compare(planned, found)
        _plan_lines(plan, planned)
        insured.quotes.append(planned)


def _refuse_repeated_packages(plan: Plan, stated: Iterable[StatedQuote]) -> None:
    rows: dict[str, int] = {}
    for quote in stated:
        package = quote.columns.get("package_id")
        if not package:
            continue
        if package in rows:
            plan.problems.append(
                Problem(
                    f"{package} is the package id of row {rows[package]} too, and they say "
                    "different things. A package is quoted once",
                    row=quote.row,
                    column=quote.headings.get("package_id", ""),
                )
            )
        rows.setdefault(package, quote.row)


def _compare(planned: QuotePlan, stored: Quote) -> None:
    if planned.carrier.pk != stored.carrier_id:
        planned.columns["carrier_name"] = planned.stated.carrier_name
        planned.changes.append(
            Change(label("carrier_name"), stored.carrier_name, planned.stated.carrier_name)
        )
    for name, value in planned.stated.columns.items():
        before = getattr(stored, name)
        if value != before:
            planned.columns[name] = value
            planned.changes.append(Change(label(name), shown(name, before), shown(name, value)))


def _plan_lines(plan: Plan, planned: QuotePlan) -> None:
    present = {line.line: line for line in planned.stored.lines.all()} if planned.stored else {}
    for name in LINES:
        line = planned.stated.lines.get(name)
        if line is None:
            continue
        stored = present.get(name)
        if stored is not None:
            planned.lines.append(_changed_line(planned, line, stored))
        elif line.columns:
            details = terms.new_details(name, line.details)
            planned.lines.append(LinePlan(name, None, line.columns, details, line.headings))
            if planned.stored is not None:
                premium = shown("premium_annual", line.columns.get("premium_annual"))
                planned.changes.append(Change(str(Line(name).label), DASH, f"added, {premium}"))
        elif line.details:
            plan.warnings.append(
                Problem(
                    f"{Line(name).label} has terms and no premium: the line is left out",
                    row=planned.stated.row,
                    column=next(iter(line.headings.values()), ""),
                    blocking=False,
                )
            )


def _changed_line(planned: QuotePlan, line: StatedLine, stored: QuoteLine) -> LinePlan:
    columns = {}
    for name, value in line.columns.items():
        before = getattr(stored, name)
        if value != before:
            columns[name] = value
            planned.changes.append(
                Change(label(name, line.line), shown(name, before), shown(name, value))
            )
    premium = columns.get("premium_annual", stored.premium_annual)
    details, changes, codes = terms.changed_details(stored, line.details, premium)
    planned.changes += changes
    headings = {k: v for k, v in line.headings.items() if k in columns or k in codes}
    touched = bool(columns or codes)
    return LinePlan(line.line, stored, columns, details, headings, touched)
