"""Whether a choice must be approved before it is recorded as bound, and how far that is.

The office of the insured's broker says so (`Office.approval`), as it stands at that moment: a
broker who moved to another office comes under its rule. An approval is of one choice, the event
in which a package was chosen; choosing again, the same package too, needs another. One that was
given stays given, whoever the broker's managers are later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from quotes.models import (
    ApprovalRule,
    DecisionEvent,
    DecisionKind,
    Office,
    ReviewKind,
    ReviewRequest,
    ReviewState,
    Run,
    User,
)
from quotes.models.prepared import prepared
from quotes.services import fact_columns, run_people

ENDS_A_REQUEST = {
    DecisionKind.CHOSEN.value: "Another choice was made.",
    DecisionKind.REOPENED.value: "The decision was reopened.",
    DecisionKind.DECLINED.value: "The insured declined the package.",
    DecisionKind.BOUND.value: "The package was bound; no approval is asked for any more.",
}
"""Steps of a decision after which an open request for approval has nothing left to approve."""
RULES = {
    ApprovalRule.OVERRIDDEN.value: "choices that are not Nexio's first rank",
    ApprovalRule.ALWAYS.value: "every choice",
}


@dataclass(frozen=True)
class Standing:
    """How the present choice stands with its office's rule; `request` is the latest for it."""

    office: Office | None
    choice: DecisionEvent | None
    needed: bool
    request: ReviewRequest | None = None

    @property
    def approved(self) -> bool:
        return self.request is not None and self.request.state == ReviewState.APPROVED

    @property
    def open(self) -> bool:
        return self.request is not None and self.request.state == ReviewState.OPEN

    @property
    def missing(self) -> bool:
        return self.needed and not self.approved

    @property
    def rule_words(self) -> str:
        """ "Main office has every choice approved before the package is recorded as bound."."""
        if self.office is None or self.office.approval not in RULES:
            return ""
        what = RULES[self.office.approval]
        return f"{self.office.name} has {what} approved before the package is recorded as bound."


def standing_of(run: Run, choice: DecisionEvent | None) -> Standing:
    """How `choice`, the present one, stands."""
    if choice is None:
        return Standing(None, None, needed=False)
    office = next(iter(_office_of(run.pk)), None)
    if office is None:
        return Standing(None, choice, needed=False)
    rule = office.approval
    needed = rule == ApprovalRule.ALWAYS or (
        rule == ApprovalRule.OVERRIDDEN and _overridden(run, choice)
    )
    asked = choice.approvals.filter(kind=ReviewKind.APPROVAL).select_related(
        "asked_by", "answered_by"
    )
    request = asked.exclude(state=ReviewState.WITHDRAWN).order_by("-asked_at", "-id").first()
    return Standing(office, choice, needed, request)


@prepared
def _office_of(run: UUID) -> QuerySet[Office]:
    return Office.objects.filter(people__insureds__runs=run)[:1]


def _overridden(run: Run, choice: DecisionEvent) -> bool:
    rank = None if choice.solution is None else choice.solution.rank
    return fact_columns.is_override(rank, list(run.solutions.values_list("rank", flat=True)))


def approvers(standing: Standing, *, but: Sequence[User | None] = ()) -> list[User]:
    """Who can approve: the office's managers, or where it has no other, admins.

    Not who made the choice, nor any of `but` (who asks for it).
    """
    if standing.office is None or standing.choice is None:
        return []
    out = {standing.choice.actor_id, *(person.pk for person in but if person is not None)}
    managers = [each for each in run_people.managers_of(standing.office.pk) if each.pk not in out]
    return managers or [each for each in run_people.admins() if each.pk not in out]


def whom_to_ask(standing: Standing) -> str:
    """ "Ines Carvalho or Bo Lind can give it.", or that nobody can."""
    asked_by = standing.request.asked_by if standing.open and standing.request else None
    names = [person.shown_name for person in approvers(standing, but=[asked_by])]
    if not names:
        return "Nobody here can give it: an administrator must make a manager of the office."
    shown = names[:3] + (["another manager"] if len(names) > 3 else [])
    listed = " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
    return f"{listed} can give it."


def missing_words(standing: Standing) -> str:
    """Why the choice cannot be recorded as bound yet, and whom to ask; "" where it can."""
    if not standing.missing:
        return ""
    request = standing.request
    if request is not None and request.state == ReviewState.OPEN:
        return (
            f"{standing.rule_words} It was asked for on {_day(request.asked_at)} and is not given "
            f"yet. {whom_to_ask(standing)}"
        )
    if request is not None and request.answered_by is not None and request.answered_at:
        return (
            f"{standing.rule_words} {request.answered_by.shown_name} refused it on "
            f"{_day(request.answered_at)}. Choose another package, or ask again in the run's "
            "Review section."
        )
    return f"{standing.rule_words} Ask for it in the run's Review section. {whom_to_ask(standing)}"


def _day(at: datetime) -> str:
    local = timezone.localtime(at)
    return f"{local:%b} {local.day}"


def lapse(*, run: Run, kind: str, actor: User, now: datetime) -> None:
    """Withdraw an open request for approval that a step of the decision has overtaken.

    The caller holds the run's lock, as whoever asks, approves or refuses does.
    """
    why = ENDS_A_REQUEST.get(kind)
    if why is None:
        return
    requests = ReviewRequest.objects.filter(
        run=run.pk, kind=ReviewKind.APPROVAL, state=ReviewState.OPEN
    )
    if requests.update(state=ReviewState.WITHDRAWN, answered_by=actor, answered_at=now, answer=why):
        run.note(
            at=now, kind="approval_withdrawn", text=f"Approval no longer asked for. {why}",
            actor=actor,
        )  # fmt: skip
