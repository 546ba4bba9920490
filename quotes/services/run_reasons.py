"""What the list of runs is asked for that stands in no column: reasons, and what is known."""

from __future__ import annotations

from django.db.models import OuterRef, Subquery

from quotes.models import Decision, DecisionEvent, DecisionKind
from quotes.models.run_fact import RunFactQuerySet
from quotes.models.sealing import marks_of

HAS = [
    ("waited", "Nexio's waiting time"),
    ("to_decision", "Time from first quote to decision"),
    ("moved", "Premium moved to another carrier"),
    ("moved_unknown", "Bound, premium moved not known"),
]


def known_of(rows: RunFactQuerySet, what: str) -> RunFactQuerySet:
    """The runs of which one of `HAS` can be said."""
    if what == "moved":
        return rows.filter(moved__gt=0)
    if what == "moved_unknown":
        return rows.filter(decision=Decision.BOUND, moved__isnull=True)
    return rows.filter(**{f"{what}__isnull": False})


def with_reason(rows: RunFactQuerySet, reason: str) -> RunFactQuerySet:
    """The runs whose present choice was made with exactly this reason."""
    choices = DecisionEvent.objects.filter(run=OuterRef("pk"), kind=DecisionKind.CHOSEN)
    last = Subquery(choices.order_by("-id").values("reason_mark")[:1])
    marks = marks_of(reason) if reason else [""]
    return rows.filter(decided_at__isnull=False).alias(said=last).filter(said__in=marks)


def reason_of(visible: RunFactQuerySet, step: str) -> str | None:
    """What was written with a choice, by the step's number; None where there is no such choice
    in a run that is seen."""
    if not step.isascii() or not step.isdigit() or len(step) > 18:
        return None
    found = DecisionEvent.objects.filter(pk=int(step), kind=DecisionKind.CHOSEN)
    return (
        found.filter(run__in=visible.order_by().values("pk"))
        .values_list("reason", flat=True)
        .first()
    )
