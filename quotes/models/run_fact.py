"""What lists and reports ask of a run, in narrow rows beside it.

A run's own row carries the request and the reply; reading a hundred thousand of those to count
them would read gigabytes. These rows hold nothing that could not be worked out again from the
run, its packages and its decision: `services.run_facts` writes them, and can write all anew.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from quotes.models.carrier import Carrier
from quotes.models.failures import failure_of, waited_of
from quotes.models.figures import figures_changed
from quotes.models.insured import Insured, InsuredShare
from quotes.models.prepared import prepared
from quotes.models.read_rows import ReadModel
from quotes.models.run import Decision, Run, RunState

if TYPE_CHECKING:
    from quotes.models.user import User


def facts_of_step(run: Run, packages: int | None = None) -> dict[str, Any]:
    """The columns of a fact that follow from a run's own narrow ones: what every step changes.

    Without `packages` a completed run is taken to have some, until they are stored.
    """
    return {
        "state": run.state,
        "nexio_status": run.nexio_status,
        "nexio_run_id": run.nexio_run_id,
        "degraded": run.degraded,
        "submitted_at": run.submitted_at,
        "failure": failure_of(run, packages),
        "waited": waited_of(run.state, run.submitted_at, run.completed_at, run.finished_at),
    }


def in_offices(offices: Collection[int]) -> Q:
    """Facts whose broker works in one of these offices."""
    people = get_user_model().objects.filter(pk=OuterRef("broker"), office__in=offices)
    return Q(Exists(people))


def people_in(offices: Collection[int]) -> list[int]:
    """The ids of those who work in these offices now."""
    return _people(sorted(offices)) if offices else []


@prepared
def _people(offices: Collection[int]) -> QuerySet[Any, int]:
    people = get_user_model().objects.filter(office__in=offices).order_by()
    return people.values_list("pk", flat=True)


def shared_with(user: User) -> list[UUID]:
    """The insureds that colleagues share with a broker."""
    return _shared(user) if user.is_broker else []


@prepared
def _shared(user: User) -> QuerySet[InsuredShare, UUID]:
    return InsuredShare.objects.filter(user=user).order_by().values_list("insured", flat=True)


class RunFactQuerySet(models.QuerySet["RunFact"]):
    def stepped(self, run: Run) -> None:
        """Write what a step of the run's life changed; `Run.move` does, in its transaction."""
        self.filter(pk=run.pk).update(**facts_of_step(run))
        figures_changed([timezone.localdate(run.created_at)])

    def visible_to(
        self, user: User | AnonymousUser, shared: Collection[UUID] | None = None
    ) -> Self:
        """The facts of the runs that `Run.visible_to` shows, in a form that keeps a list's order.

        An office's are told by asking of each row, not by a list of brokers: a list is read
        along its order and stops at the page's end. Which insureds are `shared` with the user
        (`shared_with`) is asked where it is not given.
        """
        return self._seen_by(user, in_offices, shared)

    def counted_for(
        self,
        user: User | AnonymousUser,
        people: Collection[int] | models.QuerySet[Any, Any],
        shared: Collection[UUID],
    ) -> Self:
        """The same facts in a form for counting some of them: an office's by a list of its
        brokers, from whose index just theirs are read. `people` are those of the offices that a
        manager sees (`people_in`), or a query for their ids."""
        return self._seen_by(user, lambda _: Q(broker__in=people), shared)

    def _seen_by(
        self,
        user: User | AnonymousUser,
        offices: Callable[[Collection[int]], Q],
        shared: Collection[UUID] | None = None,
    ) -> Self:
        if isinstance(user, AnonymousUser) or not user.is_active:
            return self.none()
        if user.sees_all:
            return self
        mine = Q(pk__in=[])
        if user.is_broker:
            mine = Q(broker=user.pk)
            # Asked for now: nearly nobody has any, and an OR would cost all others the index.
            if shared := shared_with(user) if shared is None else shared:
                mine |= Q(insured__in=shared)
        if user.offices_seen:
            return self.filter(offices(user.offices_seen) | mine)
        return self.filter(mine)


class RunFact(ReadModel):
    """One row a run. Seconds are whole or fractional seconds, money is US dollars a year."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, primary_key=True, related_name="fact")
    number = models.PositiveIntegerField()
    insured = models.ForeignKey(Insured, on_delete=models.CASCADE, related_name="+")
    broker = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,  # `fact_broker_state` begins with it
        help_text="Whose insured it is now.",
    )
    created_at = models.DateTimeField()
    created_on = models.DateField(help_text="The day, in the office's time zone.")
    submitted_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=20, choices=RunState.choices)
    nexio_status = models.CharField(
        max_length=64, blank=True, help_text="As of the run's last step, not of every poll."
    )
    nexio_run_id = models.CharField(max_length=200, blank=True)
    sandbox = models.BooleanField(default=False)
    degraded = models.BooleanField(default=False)
    lines = models.CharField(max_length=40, blank=True, help_text='"home,auto,umbrella".')
    offerings = models.PositiveIntegerField(default=0, help_text="Offerings sent.")
    failure = models.CharField(
        max_length=60,
        blank=True,
        help_text="Why there are no packages, as a code of `failures`; empty while there may be.",
    )
    waited = models.FloatField(null=True, help_text="Seconds from the 202 until Nexio had ended.")
    packages = models.PositiveIntegerField(default=0)
    top_label = models.CharField(max_length=200, blank=True)
    top_cost = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, help_text="The low end of its cost."
    )
    top_cost_high = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    expires_at = models.DateTimeField(
        null=True, help_text="When the first of its packages' quotes expires."
    )
    first_quote_at = models.DateTimeField(null=True)
    decision = models.CharField(max_length=20, choices=Decision.choices, default=Decision.UNDECIDED)
    decided_at = models.DateTimeField(null=True)
    to_decision = models.FloatField(
        null=True, help_text="Seconds from the first quote to the choice."
    )
    overridden = models.BooleanField(
        null=True, help_text="Whether the chosen is not the first rank."
    )
    chosen_rank = models.PositiveIntegerField(null=True)
    chosen_label = models.CharField(max_length=200, blank=True)
    chosen_cost = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, help_text="The low end of its cost."
    )
    bound_at = models.DateTimeField(null=True)
    moved = models.DecimalField(
        max_digits=14,
        decimal_places=2,
        null=True,
        help_text="Premium bound away from the incumbent of its line; a new line moves nothing.",
    )

    objects = RunFactQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-run"]
        # Each ends in the run, so that a page begins exactly after the last one's end; which
        # page of which list reads which is in docs/decisions/0010.
        indexes = [
            models.Index(name="fact_latest", fields=["created_at", "run"]),
            models.Index(name="fact_broker", fields=["broker", "created_at", "run"]),
            models.Index(name="fact_broker_state", fields=["broker", "state", "failure"]),
            models.Index(name="fact_status", fields=["nexio_status", "created_at", "run"]),
            models.Index(name="fact_state", fields=["state", "created_at", "run"]),
            models.Index(name="fact_decision", fields=["decision", "created_at", "run"]),
            models.Index(name="fact_ending", fields=["decision", "expires_at"]),
            models.Index(name="fact_failure", fields=["failure", "created_at", "run"]),
            models.Index(name="fact_nexio_run", fields=["nexio_run_id"]),
            models.Index(name="fact_cost", fields=["top_cost", "run"]),
            models.Index(name="fact_waited", fields=["waited", "run"]),
            models.Index(name="fact_expires", fields=["expires_at", "run"]),
            models.Index(name="fact_decided", fields=["decided_at", "run"]),
            models.Index(name="fact_day", fields=["created_on", "broker"]),
        ]

    def __str__(self) -> str:
        return f"Facts of {self.run_id}"


class CarrierPart(models.TextChoices):
    """What a carrier was in a run."""

    QUOTED = "quoted", "Quoted"
    TOP = "top", "In the first-ranked package"
    CHOSEN = "chosen", "In the chosen package"
    BOUND = "bound", "Bound"


class RunCarrier(models.Model):
    """A carrier's part in a run: one row a carrier and part."""

    run = models.ForeignKey(
        Run,
        on_delete=models.CASCADE,
        related_name="carriers_in",
        db_index=False,  # `run_carrier_run` begins with it
    )
    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, null=True, related_name="+")
    name = models.CharField(max_length=200)
    part = models.CharField(max_length=10, choices=CarrierPart.choices)
    created_on = models.DateField(help_text="The run's day, as in its fact.")

    class Meta:
        indexes = [
            models.Index(name="run_carrier_run", fields=["run", "carrier", "part"]),
            models.Index(name="run_carrier_part", fields=["carrier", "part", "run"]),
            models.Index(name="run_carrier_day", fields=["created_on", "carrier", "part"]),
        ]
        constraints = [
            models.UniqueConstraint(name="run_carrier_once", fields=["run", "part", "name"]),
            models.CheckConstraint(
                name="run_carrier_part_known", condition=Q(part__in=CarrierPart.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.get_part_display()}"
