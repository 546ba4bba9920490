"""Renewing: the insured again for its next term, with what is in force now as the incumbent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Prefetch
from django.utils.dateparse import parse_date

from quotes.models import (
    LINES,
    Carrier,
    Driver,
    IncumbentPolicy,
    Insured,
    Run,
    RunState,
    Solution,
    SolutionLine,
    User,
    Vehicle,
)
from quotes.models.fields import MOST_MONEY
from quotes.models.run import Decision
from quotes.services import documents as doc
from quotes.services import sharing
from quotes.services.copying import blank_copy
from quotes.services.editing import HEAD
from quotes.services.origins import How, Origin, mark
from quotes.services.what_if.origin import SupposedPremiums, supposed_premiums
from quotes.services.worklist import HAS_PACKAGE, HEAVY

MOST_RUNS = 5
MOST_PACKAGES = 20
"""Packages shown of one run: what is in force is looked for among the first."""
NOT_COVERAGE = frozenset({"product_name", "program_type"})
"""What an offering's `coverage` holds beside limits and deductibles."""


class AlreadyRenewed(Exception):
    """The insured was renewed after the form was opened; nothing was written."""

    def __init__(self, insured: Insured) -> None:
        self.insured = insured
        super().__init__("the insured was renewed meanwhile")


@dataclass(frozen=True)
class RunPackages:
    """A completed run and its packages by Nexio's rank; `more` were ranked after those."""

    run: Run
    solutions: list[Solution]
    more: int


def packages_to_choose(insured: Insured) -> list[RunPackages]:
    """The packages of the insured's last completed runs, the latest run first.

    Only those of which a line and its carrier are known: what is in force must be nameable.
    """
    lines = SolutionLine.objects.select_related("carrier")
    solutions = Solution.objects.defer("scorecard").prefetch_related(Prefetch("lines", lines))
    runs = (
        Run.objects.filter(HAS_PACKAGE, insured=insured, state=RunState.COMPLETED)
        .defer(*HEAVY)
        .prefetch_related(Prefetch("solutions", solutions))
        .order_by("-number")[:MOST_RUNS]
    )
    found = []
    for run in runs:
        usable = [each for each in run.solutions.all() if policies_of(each)]
        if usable:
            shown = usable[:MOST_PACKAGES]
            shown += [each for each in usable[MOST_PACKAGES:] if each.pk == run.chosen_id]
            found.append(RunPackages(run, shown, len(usable) - len(shown)))
    return found


def chosen_package(runs: Iterable[RunPackages]) -> Solution | None:
    """The package that was chosen last and not declined since, of runs with the latest first."""
    for each in runs:
        if each.run.decision != Decision.DECLINED:
            for solution in each.solutions:
                if solution.pk == each.run.chosen_id:
                    return solution
    return None


def policies_of(solution: Solution) -> dict[str, SolutionLine]:
    """The lines of a package that can be policies in force, by line of business."""
    return {
        each.category: each
        for each in solution.returned
        if each.category in LINES and (each.carrier or each.provider_name)
    }


def next_effective_date(insured: Insured) -> dt.date | None:
    """A year after the effective date the insured's document states; None where it states none."""
    stated = _document(insured).get("effective_date")
    try:
        day = parse_date(stated.strip()) if isinstance(stated, str) else None
    except ValueError:
        return None
    if day is None or day.year > 2098:
        return None
    # February 29 has no next year: a term that began then ends on the 28th.
    return (
        dt.date(day.year + 1, 2, 28)
        if (day.month, day.day) == (2, 29)
        else day.replace(year=day.year + 1)
    )


@transaction.atomic
def renew_insured(
    *,
    insured: Insured,
    user: User,
    solution: Solution | None,
    effective: dt.date | None,
    with_quotes: bool,
    seen: int,
) -> Insured:
    """A new insured of the same broker for the next term; the one renewed stays as it is.

    Profile, drivers and vehicles are copied. The policies in force are those of `solution`, a
    package of one of the insured's runs, and where it holds no such line or is None as they
    were. `effective` becomes the document's effective date; None states none. `with_quotes`
    copies the quotes without their prices.

    `seen` is how many renewals there were when the form was opened. Raises AlreadyRenewed when
    there are more: a second press of the button finds the first one's.

    Only the key by which an import knows the household leaves the insured renewed: a later
    import of it concerns the next term. Runs hold their own request and are not touched.
    """
    old = (
        Insured.objects.select_for_update(of=("self",))
        .prefetch_related("drivers", "vehicles", "incumbents")
        .get(pk=insured.pk)
    )
    renewals = old.renewals.order_by("-created_at", "-pk")
    if len(renewals) > seen:
        raise AlreadyRenewed(renewals[0])
    new = _next_term(old, effective)
    policies = _policies(old, solution)
    _restate_premium(new.document, old, policies)
    origin = Origin(How.COPIED, where="the term before", by=user.shown_name)
    _mark(new, old, policies, origin, solution)
    # Not `save`: the insured renewed was not worked on, and the key may stand only once.
    Insured.objects.filter(pk=old.pk).update(identity_key="")
    new.save(force_insert=True)
    _copy_rows(new, old.drivers.all(), old.vehicles.all())
    sharing.share_along(old=old, new=new, actor=user)
    for policy in policies:
        policy.insured = new
        policy.save(force_insert=True)
    if with_quotes:
        _copy_quotes(old, new, origin)
    return new


def _next_term(old: Insured, effective: dt.date | None) -> Insured:
    """The insured again, unsaved, with its profile and the effective date of the next term."""
    new = Insured(
        owner=old.owner,
        renewal_of=old,
        identity_key=old.identity_key,
        document=deepcopy(_document(old)),
        body_document=deepcopy(old.body_document),
    )
    for name in HEAD:
        setattr(new, name, getattr(old, name))
    if effective is None:
        new.document.pop("effective_date", None)
    else:
        new.document["effective_date"] = effective.isoformat()
    return new


def _copy_quotes(old: Insured, new: Insured, origin: Origin) -> None:
    """Each quote with its lines, and without its prices."""
    for quote in old.quotes.select_related("carrier").prefetch_related("lines"):
        blank_copy(
            quote=quote,
            insured=new,
            carrier_name=quote.carrier_name,
            carrier=quote.carrier,
            position=quote.position,
            origin=origin,
        )


def _copy_rows(new: Insured, drivers: Iterable[Driver], vehicles: Iterable[Vehicle]) -> None:
    rows: list[Driver | Vehicle] = [*drivers, *vehicles]
    for row in rows:
        row.pk, row.insured = None, new
        row._state.adding = True
        row.save(force_insert=True)


def _policies(old: Insured, solution: Solution | None) -> list[IncumbentPolicy]:
    """What is in force, unsaved: the package's lines, and the lines it does not hold as before."""
    chosen = policies_of(solution) if solution else {}
    supposed = supposed_premiums(solution.run) if solution else SupposedPremiums()
    found = []
    for line in LINES:
        before = next((each for each in old.incumbents.all() if each.line == line), None)
        if line in chosen and solution is not None:
            unquoted = supposed.of_line(chosen[line]) is not None
            found.append(_policy(solution, chosen[line], unquoted))
        elif before is not None:
            found.append(
                IncumbentPolicy(
                    line=line,
                    carrier=before.carrier,
                    carrier_name=before.carrier_name,
                    annual_premium=before.annual_premium,
                    document=deepcopy(before.document),
                )
            )
    return found


def _policy(solution: Solution, line: SolutionLine, supposed: bool) -> IncumbentPolicy:
    """A package's line as a policy in force, with the coverage that was sent for it.

    A premium that a what-if `supposed` is left out: no carrier quoted it, so it is not in force.
    The run's frozen offering is read, not the quote: that may have been edited since.
    """
    offering = _offering(solution.run, line)
    coverage = offering.get("coverage")
    stated = coverage if isinstance(coverage, dict) else {}
    name = line.shown_carrier[:120]
    premium = line.line_premium_annual
    usable = premium is not None and 0 <= premium <= MOST_MONEY and not supposed
    return IncumbentPolicy(
        line=line.category,
        carrier=line.carrier or Carrier.objects.named(name),
        carrier_name=name,
        annual_premium=premium if usable else None,
        document={k: deepcopy(v) for k, v in stated.items() if k not in NOT_COVERAGE},
    )


def _offering(run: Run, line: SolutionLine) -> Mapping[str, Any]:
    """What was sent for a package's line; empty where the reply does not tell which it is."""
    ids = {line.offering_id} if line.offering_id else set()
    if line.quote_line_id is not None:
        ours = str(line.quote_line_id)
        ids |= {wire_id for wire_id, pk in run.offering_lines.items() if pk == ours}
    request = run.request if isinstance(run.request, dict) else {}
    for offering in request.get("offerings") or []:
        if isinstance(offering, dict) and str(offering.get("id", "")) in ids:
            return offering if offering.get("category") == line.category else {}
    return {}


def _restate_premium(
    document: dict[str, Any], old: Insured, policies: Iterable[IncumbentPolicy]
) -> None:
    """Keep the document's own premium in force true of the policies; without all, none is."""
    before = {each.line: each.annual_premium for each in old.incumbents.all()}
    now = {each.line: each.annual_premium for each in policies}
    if "premium" not in document or now == before:
        return
    if now and None not in now.values():
        total = sum((premium for premium in now.values() if premium is not None), Decimal(0))
        document["premium"] = doc.write_money(total)
    else:
        del document["premium"]


def _mark(
    new: Insured,
    old: Insured,
    policies: Iterable[IncumbentPolicy],
    origin: Origin,
    solution: Solution | None,
) -> None:
    names = [name for name in HEAD if getattr(old, name)]
    names += [name for name in ("drivers", "vehicles") if getattr(old, name).all()]
    names += [k for k in ("residence", "insurance_history") if new.document.get(k)]
    mark(new, names, origin)
    chosen = policies_of(solution) if solution else {}
    for policy in policies:
        source = origin
        if solution is not None and policy.line in chosen:
            place = f"rank {solution.rank}" if solution.rank is not None else "an unranked package"
            source = Origin(How.COPIED, where=f"run {solution.run.number}, {place}", by=origin.by)
        mark(new, [f"incumbents.{policy.line}"], source)
    if "effective_date" in new.document:
        mark(new, ["effective_date"], Origin(How.TYPED, by=origin.by))


def _document(insured: Insured) -> dict[str, Any]:
    return insured.document if isinstance(insured.document, dict) else {}
