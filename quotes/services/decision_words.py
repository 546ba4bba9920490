"""Packages, moments and steps of a decision in words: for pages, packets and the console."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from quotes.models import DecisionEvent, DecisionKind, Solution
from quotes.services.money import NOT_STATED, day_words, dollars

K = DecisionKind


def moment(at: datetime | None) -> str:
    """ "2026-03-03T19:36:02-05:00"; "" for none."""
    return "" if at is None else timezone.localtime(at).isoformat(timespec="seconds")


def when(at: datetime | None) -> str:
    if at is None:
        return NOT_STATED
    local = timezone.localtime(at)
    return f"{local:%b} {local.day}, {local.year}, {local:%I:%M:%S %p}".replace(", 0", ", ")


def by(actor: Any) -> str:
    return "" if actor is None else str(actor.shown_name)


def package_name(solution: Solution) -> str:
    return f"rank {solution.rank}" if solution.rank is not None else "an unranked package"


def lines_words(solution: Solution) -> str:
    return "; ".join(
        f"{line.shown_line or 'line not given'}: {line.shown_carrier}"
        f"{f' ({line.product_name})' if line.product_name else ''} "
        f"{dollars(line.line_premium_annual)}"
        for line in solution.returned
    )


def event_words(event: DecisionEvent) -> str:
    """ "Shown to the insured: rank 2, on Mar 4, 2026, by e-mail, as proposal 1.".

    Of a choice without its note: the checks it keeps are a list of their own (`checks_told`).
    """
    parts = [str(event.get_kind_display())]
    if event.solution is not None:
        parts[0] += f": {package_name(event.solution)}"
    if event.line:
        parts[0] += f": {event.get_line_display()}"
    if event.on is not None:
        parts.append(f"on {day_words(event.on)}")
    if event.how:
        parts.append(str(event.get_how_display()).lower())
    if event.proposal is not None:
        parts.append(f"as proposal {event.proposal.number}")
    words = ", ".join(parts) + "."
    if event.reason:
        words += f" Reason: {event.reason}"
    if event.note and event.kind != K.CHOSEN:
        words += f" Note: {'; '.join(event.note.splitlines())}"
    if event.confirmed:
        words += f" Confirmed all the same: {event.confirmed}."
    return words


def checks_told(event: DecisionEvent | None) -> list[str]:
    """What whoever chose the package was told of it, a line for each check; see `weighed`."""
    return [] if event is None else event.note.splitlines()
