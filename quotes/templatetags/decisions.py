"""How pages write a decision."""

from __future__ import annotations

from typing import Any

from django import template

from quotes.models import DecisionEvent, RunEvent, Solution
from quotes.services.decision_summary import Summary
from quotes.services.packet_content import event_words, package_name

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
def step_words(event: DecisionEvent | RunEvent) -> str:
    return event.text if isinstance(event, RunEvent) else event_words(event)


@register.filter
def named(solution: Solution) -> str:
    """ "rank 2", "an unranked package"."""
    return package_name(solution)


@register.filter
def decision_tone(decision: str) -> str:
    """By which tone a decision's mark is coloured; "" for undecided."""
    return TONES.get(decision, "")
