"""How the command line shows a run: as a table for a person, as one object for a program."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import simplejson
from django.core.management.base import OutputWrapper
from django.utils import timezone

from quotes.models import Run, Solution
from quotes.services.decision_words import event_words, package_name
from quotes.services.describe import describe_run
from quotes.services.what_if.origin import supposed_premiums


def write_json(out: OutputWrapper, value: Any) -> None:
    out.write(simplejson.dumps(value, use_decimal=True, allow_nan=False, indent=2))


def print_run(run: Run, out: OutputWrapper, *, as_json: bool, timeline: bool = False) -> None:
    """Print a run to `out`."""
    if as_json:
        write_json(out, describe_run(run))
        return
    service = "sandbox" if run.sandbox else run.environment or "Nexio"
    out.write(f"{run.get_state_display()} ({service})")
    out.write(f"id {run.pk}, Nexio's run_id {run.nexio_run_id or 'not known'}")
    for text in (run.error, run.diagnostic, run.degradation_reason):
        if text:
            out.write(text)
    solutions = list(run.solutions.prefetch_related("lines__carrier"))
    if solutions:
        out.write("")
        out.write(f"{'Rank':>4}  {'Label':<16}{'Level':>7}  {'Annual cost':>20}  Lines")
    for solution in solutions:
        _print_solution(solution, out)
    _print_decision(run, out)
    if timeline:
        out.write("")
        for event in run.events.all():
            out.write(f"{timezone.localtime(event.at):%Y-%m-%d %H:%M:%S}  {event.text}")


def _print_decision(run: Run, out: OutputWrapper) -> None:
    """Where the decision stands, with its steps and proposals; nothing before the first step."""
    supposed = supposed_premiums(run)
    if supposed:
        out.write("")
        out.write(f"What-if: {supposed.words}.")
    events = run.decision_events.select_related("solution", "proposal", "actor").order_by("id")
    steps = list(events.defer("proposal__pdf"))
    proposals = list(run.proposals.defer("pdf").prefetch_related("options__solution"))
    if not steps and not proposals:
        return
    out.write("")
    named = f": {package_name(run.chosen)}" if run.chosen is not None else ""
    out.write(f"Decision: {run.get_decision_display()}{named}")
    for step in steps:
        out.write(f"{timezone.localtime(step.at):%Y-%m-%d %H:%M:%S}  {event_words(step)}")
    for each in proposals:
        held = ", ".join(f"{o.letter} {package_name(o.solution)}" for o in each.options.all())
        out.write(f"{each}: {held}; SHA-256 {each.sha256}")


def _print_solution(solution: Solution, out: OutputWrapper) -> None:
    rank = "—" if solution.rank is None else str(solution.rank)
    level = "—" if solution.overall_level is None else f"{solution.overall_level.normalize():f}"
    lines = "; ".join(
        f"{line.category}: {line.shown_carrier} {dollars(line.line_premium_annual)}"
        for line in solution.returned
    )
    cost = dollars(solution.est_cost_low)
    if solution.is_range:
        cost += f" to {dollars(solution.est_cost_high)}"
    out.write(f"{rank:>4}  {solution.shown_label:<16}{level:>7}  {cost:>20}  {lines}")


def dollars(value: Decimal | None) -> str:
    """ "$12,840", "$12,840.50"; a dash for what is not stated."""
    if value is None:
        return "—"
    return f"${value:,.0f}" if value == value.to_integral_value() else f"${value:,.2f}"
