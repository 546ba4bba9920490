"""What the list of runs may be narrowed to: codes and dates only, nothing personal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from functools import cached_property, partial
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone

from quotes.forms.run_filter_form import NOBODY, RunFilterForm
from quotes.models import (
    Carrier,
    CarrierPart,
    Decision,
    Office,
    Run,
    RunCarrier,
    RunFact,
    RunState,
    User,
)
from quotes.models.failures import REFUSALS, WORDS, failure_words
from quotes.models.prepared import prepared
from quotes.models.run_fact import RunFactQuerySet, in_offices
from quotes.services.brokers_seen import (
    brokers_seen_by,
    named_brokers,
    named_offices,
    offices_seen_by,
)
from quotes.services.dashboard.parts import UNKNOWN, UNKNOWN_NAMES
from quotes.services.run_counts import Counted, counted, counted_parts, in_group, late_at
from quotes.services.run_reasons import known_of, reason_of, with_reason
from quotes.services.run_search import Found, in_parts

TOP_OR_CHOSEN = (CarrierPart.TOP.value, CarrierPart.CHOSEN.value)
NEXIO_STATUSES = ("queued", "processing", "completed", "degraded", "failed")
FAILURES = (
    *(code for code in WORDS if code != "rejected"),
    *(f"rejected:{status}" for status in REFUSALS),
)
MOST_WAITING = 2000
LOOKED_AT = 300
"""How many of the latest runs are looked at for labels and failures to offer."""
FEW_FILTERS = ("state", "decision", "broker", "since", "until")
"""Shown at once; the others are a click away."""


class RunFilter:
    """The filters of the list; a value that makes no sense is a form error and filters nothing.

    Every number of the dashboard is a link to one of these: their codes are an interface. Each is
    a field of the form, and the method of its name (`by_state`) says which rows it leaves.
    """

    def __init__(self, data: QueryDict, *, user: User, shared: Collection[UUID] = ()) -> None:
        self.data, self.user, self.shared = data, user, shared
        self._in_order = False
        self.form = RunFilterForm(data)
        self._offer_rows()
        self._offer_words(_latest_words(user, shared))

    @cached_property
    def visible(self) -> RunFactQuerySet:
        """All that the user sees."""
        return RunFact.objects.visible_to(self.user, self.shared)

    def _offer_rows(self) -> None:
        user, form = self.user, self.form
        if user.sees_others:
            nobody = [(NOBODY, "No broker")] if user.sees_all else []
            names = [("", "All brokers"), *nobody, *named_brokers(user)]
            people = partial(brokers_seen_by, user)
            form.offer_rows("broker", names, people, NOBODY if nobody else "")
        else:
            del form.fields["broker"]
        if user.sees_all or len(user.offices_seen) > 1:
            offices = [("", "All offices"), *named_offices(user)]
            form.offer_rows("office", offices, partial(offices_seen_by, user))
        else:
            del form.fields["office"]
        carriers = [("", "Any"), (UNKNOWN, UNKNOWN_NAMES), *_carriers()]
        form.offer_rows("carrier", carriers, Carrier.objects.all, UNKNOWN)

    def _offer_words(self, seen: Sequence[tuple[str, str]]) -> None:
        labels = sorted({label for label, _ in seen if label})
        failures = [*FAILURES, *sorted({code for _, code in seen}.difference(FAILURES, {""}))]
        self._offer("label", [(label, label.replace("_", " ")) for label in labels])
        self._offer("failure", [(code, failure_words(code)) for code in failures])
        self._offer("reason", [])
        self._offer("nexio", [(status, status) for status in NEXIO_STATUSES])

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        """What the select offers; a word that came by a link is among it."""
        came = self.data.get(name, "")
        if came and came not in dict(choices) and name not in self.form.errors:
            choices = [*choices, (came, self._words(name, came))]
        self.form.offer(name, [("", "Any"), *choices])

    def _words(self, name: str, came: str) -> str:
        if name == "reason":
            said = self._said(came)
            return "A step that is not yours to see" if said is None else f"“{said[:60]}”"
        return failure_words(came) if name == "failure" else came

    @cached_property
    def used(self) -> dict[str, Any]:
        """What was chosen and makes sense, by the fields' names; empty for the plain list."""
        self.form.is_valid()
        chosen = self.form.cleaned_data.items()
        return {name: value for name, value in chosen if value}

    @cached_property
    def qs(self) -> RunFactQuerySet:
        """The runs that are left."""
        return self._narrowed()

    def _narrowed(self) -> RunFactQuerySet:
        rows = self.visible
        for name, value in self.used.items():
            rows = getattr(self, f"by_{name}")(rows, value)
        return rows

    @property
    def in_order(self) -> RunFactQuerySet:
        """The runs of `qs` where a page is wanted: so few are met soon in their order."""
        if "carrier" not in self.used:
            return self.qs
        self._in_order = True
        try:
            return self._narrowed()
        finally:
            self._in_order = False

    def count(self, found: Found) -> Counted:
        """How many runs are left, of these those that a search found."""
        if self.user.sees_all and (parts := self._alone(found)) is not None:
            return counted_parts(parts)
        if found.some is not None and (many := counted(self.qs.filter(found.some))).more:
            return many
        return counted(self.qs.filter(found.counting))

    def _alone(self, found: Found) -> QuerySet[RunCarrier] | None:
        """The parts of carriers that are all the list is narrowed to."""
        if not self.used:
            return found.parts
        carrier = self.used.get("carrier")
        if carrier is None or self.used.keys() - {"carrier", "part"} or found.condition:
            return None
        return RunCarrier.objects.filter(self._parts(carrier))

    @property
    def more_used(self) -> bool:
        """Whether any filter is set that is not among the first few, or set wrongly."""
        first = {*FEW_FILTERS}
        return any(name not in first for name in {*self.codes_by_name(), *self.form.errors})

    def codes_by_name(self) -> dict[str, list[str]]:
        """What the list is narrowed by, as the address has it; nothing that is no sense."""
        found = {}
        for name in self.form.fields:
            values = [value for value in self.data.getlist(name) if value]
            if values and name not in self.form.errors:
                found[name] = values if name == "line" else values[-1:]
        return found

    def by_state(self, rows: RunFactQuerySet, value: str) -> RunFactQuerySet:
        return in_group(rows, value, late_at(timezone.now()))

    def by_decision(self, rows: RunFactQuerySet, value: str) -> RunFactQuerySet:
        if value == "decided":
            return rows.filter(decided_at__isnull=False)
        return rows.filter(decision=value)

    def by_broker(self, rows: RunFactQuerySet, value: User | str) -> RunFactQuerySet:
        return rows.filter(broker=None if isinstance(value, str) else value)

    def by_office(self, rows: RunFactQuerySet, value: Office) -> RunFactQuerySet:
        return rows.filter(in_offices([value.pk]))

    def by_line(self, rows: RunFactQuerySet, value: list[str]) -> RunFactQuerySet:
        for line in value:
            rows = rows.filter(lines__contains=line)
        return rows

    def by_carrier(self, rows: RunFactQuerySet, value: Carrier | str) -> RunFactQuerySet:
        if self.form.cleaned_data.get("part") == CarrierPart.BOUND:
            # Follows from the part, and leads along an index of these runs alone.
            rows = rows.filter(decision=Decision.BOUND)
        return rows.filter(in_parts(self._parts(value), in_order=self._in_order))

    def _parts(self, value: Carrier | str) -> Q:
        part = self.form.cleaned_data.get("part")
        whose = Q(carrier__isnull=True) if isinstance(value, str) else Q(carrier=value)
        return whose & Q(part__in=[part] if part else TOP_OR_CHOSEN)

    def by_part(self, rows: RunFactQuerySet, value: str) -> RunFactQuerySet:
        return rows  # It says what the carrier is; without a carrier it says nothing.

    def by_label(self, rows: RunFactQuerySet, value: str) -> RunFactQuerySet:
        return rows.filter(Q(top_label=value) | Q(chosen_label=value))

    def by_overridden(self, rows: RunFactQuerySet, value: str) -> RunFactQuerySet:
        return rows.filter(overridden=value == "yes")

    def by_reason(self, rows: RunFactQuerySet, value: str) -> RunFactQuerySet:
        """Choices with the same reason as a step's, which is named by its number: a reason may
        say anything, and nothing of it stands in an address."""
        if (said := self._said(value)) is None:
            return rows.none()
        return with_reason(rows, said)

    def _said(self, step: str) -> str | None:
        return reason_of(self.visible, step) if step else None

    def by_has(self, rows: RunFactQuerySet, value: str) -> RunFactQuerySet:
        return known_of(rows, value)

    def by_failure(self, rows: RunFactQuerySet, value: str) -> RunFactQuerySet:
        return rows.filter(failure=value)

    def by_nexio(self, rows: RunFactQuerySet, value: str) -> RunFactQuerySet:
        """A run under way has a newer status than its fact, which polls do not write."""
        # Few are under way at any time, and an index knows them.
        now = Run.objects.filter(state=RunState.WAITING, nexio_status=value).order_by()
        now_so = list(now.values_list("pk", flat=True)[:MOST_WAITING])
        ended_so = Q(nexio_status=value) & ~Q(state=RunState.WAITING)
        return rows.filter(Q(pk__in=now_so) | ended_so)

    def by_service(self, rows: RunFactQuerySet, value: str) -> RunFactQuerySet:
        return rows.filter(sandbox=value == "sandbox")

    def by_since(self, rows: RunFactQuerySet, value: date) -> RunFactQuerySet:
        return rows.filter(created_at__gte=_midnight(value))

    def by_until(self, rows: RunFactQuerySet, value: date) -> RunFactQuerySet:
        return rows.filter(created_at__lt=_midnight(value) + timedelta(days=1))

    def by_expires_since(self, rows: RunFactQuerySet, value: date) -> RunFactQuerySet:
        # A price whose last day is the 3rd is gone from the 4th's first moment on.
        return rows.filter(expires_at__gt=_midnight(value))

    def by_expires_until(self, rows: RunFactQuerySet, value: date) -> RunFactQuerySet:
        return rows.filter(expires_at__lte=_midnight(value) + timedelta(days=1))


@prepared
def _carriers() -> QuerySet[Carrier, Any]:
    return Carrier.objects.values_list("pk", "name")


@prepared
def _latest_words(user: User, shared: Collection[UUID]) -> QuerySet[RunFact, Any]:
    """Labels and failures of the runs that the user saw begin last."""
    latest = RunFact.objects.visible_to(user, shared).order_by("-created_at", "-pk")
    return latest.values_list("top_label", "failure")[:LOOKED_AT]


def _midnight(day: date) -> datetime:
    """The day's beginning in office time; far years are cut to those every database holds."""
    near = min(max(day, date(1900, 1, 1)), date(9000, 1, 1))
    return timezone.make_aware(datetime.combine(near, time.min))


class SearchForm(forms.Form):
    """Free text; it may name a person, so it is posted and kept on the server's side."""

    text = forms.CharField(
        label="Insured, carrier, quote id or run id",
        required=False,
        max_length=200,
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "autocomplete": "off",
            }
        ),
    )


class ViewNameForm(forms.Form):
    """The name of a saved view."""

    name = forms.CharField(
        label="Name of the view",
        max_length=60,
        error_messages={"required": "Give the view a name."},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
