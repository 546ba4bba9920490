"""How pages write a decision."""

from __future__ import annotations

from typing import Any

from django import template

from quotes.models import DecisionEvent, Run, Solution
from quotes.services.decision_summary import Summary
from quotes.services.decision_words import event_words, package_name
from quotes.services.what_if.origin import Origin, SupposedPremium, listed_origin

register = template.Library()
TONES = {
    "chosen": "info",
    "shown": "info",
    "accepted": "success",
    "bound": "success",
    "declined": "warning",
}


@register.filter
def mark_of(decision: Summary | Any, solution: Solution) -> str:
    return decision.mark_of(solution) if isinstance(decision, Summary) else ""


@register.filter
def supposed_in(decision: Summary | Any, solution: Solution) -> list[SupposedPremium]:
    """The premiums of a package that no carrier quoted."""
    return decision.supposed.in_package(solution) if isinstance(decision, Summary) else []


@register.filter
def what_if(run: Run) -> Origin | None:
    """What a listed run is a what-if of."""
    return listed_origin(run)


@register.filter
def step_words(event: DecisionEvent) -> str:
    return event_words(event)


@register.filter
def named(solution: Solution) -> str:
    """ "rank 2", "an unranked package"."""
    return package_name(solution)


@register.filter
def decision_tone(decision: str) -> str:
    """By which tone a decision's mark is coloured; "" for undecided."""
    return TONES.get(decision, "")
