"""How pages write a decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import template

from quotes.models import DecisionEvent, Run, RunEvent, Solution
from quotes.models.run import DECISION_WORDS
from quotes.services.decision_summary import Summary
from quotes.services.decision_words import checks_told, event_words, package_name
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
def supposed_in(decision: Summary | Any, solution: Solution) -> list[SupposedPremium]:
    """The premiums of a package that no carrier quoted."""
    return decision.supposed.in_package(solution) if isinstance(decision, Summary) else []


@register.filter
def what_if(run: Run) -> Origin | None:
    """What a listed run is a what-if of."""
    return listed_origin(run)


@dataclass(frozen=True)
class Step:
    """A step of the decision as the run's timeline shows it, beside the run's own events."""

    at: datetime
    text: str
    actor: Any
    kind: str


@register.filter
def with_steps(events: Sequence[Any], decision: Summary | Any) -> list[Any]:
    """The run's events and those of the decision on it, where there is one, in order of time."""
    steps = [
        Step(each.at, event_words(each), each.actor, f"decision:{each.kind}")
        for each in (decision.events if isinstance(decision, Summary) else ())
    ]
    return sorted([*events, *steps], key=lambda each: each.at)


@register.filter
def told(event: DecisionEvent | None) -> list[str]:
    """What a choice's event keeps of the package's checks, a line for each."""
    return checks_told(event)


@register.filter
def step_words(event: DecisionEvent | RunEvent) -> str:
    return event.text if isinstance(event, RunEvent) else event_words(event)


@register.filter
def named(solution: Solution) -> str:
    """ "rank 2", "an unranked package"."""
    return package_name(solution)


@register.filter
def decision_words(decision: str) -> str:
    """How far a decision is: "shown"."""
    return DECISION_WORDS.get(decision, decision)


@register.filter
def decision_tone(decision: str) -> str:
    """By which tone a decision's mark is coloured; "" for undecided."""
    return TONES.get(decision, "")
