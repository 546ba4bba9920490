"""What the list of runs may be narrowed to: codes and dates only, nothing personal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, cast
from uuid import UUID

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone

from quotes.forms.day_order import RunDaysInOrder
from quotes.models import (
    Carrier,
    CarrierPart,
    Decision,
    Line,
    Office,
    Run,
    RunFact,
    RunState,
    User,
)
from quotes.models.failures import REFUSALS, WORDS, failure_words
from quotes.models.prepared import prepared
from quotes.models.run_fact import RunFactQuerySet, in_offices
from quotes.services.brokers_seen import brokers_seen_by, named_brokers, offices_seen_by
from quotes.services.dashboard.parts import UNKNOWN, UNKNOWN_NAMES
from quotes.services.run_list import in_group, late_at
from quotes.services.run_reasons import HAS, known_of, reason_of, with_reason
from quotes.services.run_search import in_parts

GROUPS = {
    "under_way": "Under way",
    "needs_person": "Went wrong",
    "overdue": "Overdue",
    "degraded": "Degraded",
    "with_packages": "With packages",
    "no_package": "Completed, no package",
}
LISTED = {"invalid_choice": "Choose one of those listed."}
STATES = [("Groups", list(GROUPS.items())), ("States", list(RunState.choices))]
DECISIONS = [("decided", "Any but undecided"), *Decision.choices]
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


class OpenChoiceField(forms.CharField):
    """One of what is offered, or any other short word: the carriers' and Nexio's are open."""

    widget = forms.Select

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=200, **kwargs)


class OpenChoiceFilter(django_filters.Filter):  # type: ignore[misc]
    field_class = OpenChoiceField


def _day(label: str, method: str) -> django_filters.DateFilter:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return django_filters.DateFilter(label=label, method=method, widget=widget)


def _choice(
    label: str, choices: Sequence[Any], method: str, empty: str = "Any"
) -> django_filters.ChoiceFilter:
    return django_filters.ChoiceFilter(
        label=label, choices=choices, empty_label=empty, method=method, error_messages=LISTED
    )


class RunFilter(django_filters.FilterSet):  # type: ignore[misc]
    """The filters of the list; a value that makes no sense is a form error and filters nothing.

    Every number of the dashboard is a link to one of these: their codes are an interface.
    """

    state = _choice("State", STATES, "by_state")
    decision = _choice("Decision", DECISIONS, "by_decision")
    broker = django_filters.ModelChoiceFilter(
        label="Broker",
        queryset=User.objects.none(),
        field_name="broker",
        empty_label="All brokers",
        null_value="none",
        error_messages=LISTED,
    )
    since = _day("From", "from_day")
    until = _day("To", "to_day")
    office = django_filters.ModelChoiceFilter(
        label="Office",
        queryset=Office.objects.none(),
        empty_label="All offices",
        error_messages=LISTED,
        method="by_office",
    )
    line = django_filters.MultipleChoiceFilter(
        label="Lines, all of",
        choices=Line.choices,
        widget=forms.CheckboxSelectMultiple,
        method="by_lines",
        error_messages=LISTED,
    )
    carrier = django_filters.ModelChoiceFilter(
        label="Carrier",
        queryset=Carrier.objects.all(),
        empty_label="Any",
        null_label=UNKNOWN_NAMES,
        null_value=UNKNOWN,
        error_messages=LISTED,
        method="by_carrier",
    )
    part = _choice("The carrier is", CarrierPart.choices, "by_part", "Rank 1 or chosen")
    label = OpenChoiceFilter(label="Label of rank 1 or the chosen", method="by_label")
    overridden = _choice(
        "Choice", [("yes", "Not the first rank"), ("no", "The first rank")], "by_override"
    )
    reason = OpenChoiceFilter(label="Reason of the choice", method="by_reason")
    failure = OpenChoiceFilter(label="Why no packages", field_name="failure")
    nexio = OpenChoiceFilter(label="Nexio's status", method="by_nexio_status")
    service = _choice("Service", [("nexio", "Nexio"), ("sandbox", "Sandbox")], "by_service")
    has = _choice("Only runs with", HAS, "by_known")
    expires_since = _day("First price ends from", "from_expiry")
    expires_until = _day("First price ends to", "to_expiry")

    class Meta:
        model = RunFact
        form = RunDaysInOrder
        fields: list[str] = []

    def __init__(
        self, *args: Any, user: User, shared: Collection[UUID] = (), **kwargs: Any
    ) -> None:
        self._in_order = False
        self.shared = shared
        super().__init__(*args, **kwargs)
        if not user.sees_others:
            del self.filters["broker"], self.filters["office"]
        else:
            self._offer_people(user)
        # After this the form is made: what it offers is looked up once.
        self._offer_words(_latest_words(user, shared))
        if user.sees_others:
            none = [("none", "No broker")] if user.sees_all else []
            self._name("broker", ("", "All brokers"), *none, *named_brokers(user))

    def _offer_people(self, user: User) -> None:
        offices = offices_seen_by(user)
        broker = self.filters["broker"]
        if user.sees_all:
            broker.extra["null_label"] = "No broker"
        broker.queryset = broker.field.queryset = brokers_seen_by(user)
        if user.sees_all or len(user.offices_seen) > 1:
            self.filters["office"].queryset = self.filters["office"].field.queryset = offices
        else:
            del self.filters["office"]

    def _offer_words(self, seen: Sequence[tuple[str, str]]) -> None:
        labels = sorted({label for label, _ in seen if label})
        failures = [*FAILURES, *sorted({code for _, code in seen}.difference(FAILURES, {""}))]
        self._offer("label", [(label, label.replace("_", " ")) for label in labels])
        self._offer("failure", [(code, failure_words(code)) for code in failures])
        self._offer("reason", [])
        self._offer("nexio", [(status, status) for status in NEXIO_STATUSES])
        self._name("carrier", ("", "Any"), (UNKNOWN, UNKNOWN_NAMES), *_carriers())

    def _name(self, name: str, *choices: tuple[str | int, str]) -> None:
        """What a select of rows offers, read without making an object of each."""
        self.form.fields[name].widget.choices = choices

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        """What the select offers; a word that came by a link is among it."""
        field = self.form.fields[name]
        came = (self.data or {}).get(name, "")
        if came and came not in dict(choices) and name not in self.form.errors:
            choices = [*choices, (came, self._words(name, came))]
        field.widget.choices = [("", "Any"), *choices]

    def _words(self, name: str, came: str) -> str:
        if name == "reason":
            said = self._said(came)
            return "A step that is not yours to see" if said is None else f"“{said[:60]}”"
        return failure_words(came) if name == "failure" else came

    @property
    def in_order(self) -> RunFactQuerySet:
        """The runs of `qs` where a page is wanted: so few are met soon in their order."""
        rows = cast("RunFactQuerySet", self.qs)
        if not (self.is_bound and self.form.cleaned_data.get("carrier")):
            return rows
        self._in_order = True
        try:
            return cast("RunFactQuerySet", self.filter_queryset(self.queryset.all()))
        finally:
            self._in_order = False

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

    def by_state(self, rows: RunFactQuerySet, name: str, value: str) -> RunFactQuerySet:
        return in_group(rows, value, late_at(timezone.now()))

    def by_decision(self, rows: RunFactQuerySet, name: str, value: str) -> RunFactQuerySet:
        if value == "decided":
            return rows.filter(decided_at__isnull=False)
        return rows.filter(decision=value)

    def by_office(self, rows: RunFactQuerySet, name: str, value: Office) -> RunFactQuerySet:
        return rows.filter(in_offices([value.pk]))

    def by_lines(self, rows: RunFactQuerySet, name: str, value: list[str]) -> RunFactQuerySet:
        for line in value:
            rows = rows.filter(lines__contains=line)
        return rows

    def by_carrier(self, rows: RunFactQuerySet, name: str, value: Carrier | str) -> RunFactQuerySet:
        part = self.form.cleaned_data.get("part")
        parts = [part] if part else TOP_OR_CHOSEN
        whose = Q(carrier__isnull=True) if isinstance(value, str) else Q(carrier=value)
        return rows.filter(in_parts(whose & Q(part__in=parts), in_order=self._in_order))

    def by_part(self, rows: RunFactQuerySet, name: str, value: str) -> RunFactQuerySet:
        return rows  # It says what the carrier is; without a carrier it says nothing.

    def by_label(self, rows: RunFactQuerySet, name: str, value: str) -> RunFactQuerySet:
        return rows.filter(Q(top_label=value) | Q(chosen_label=value))

    def by_override(self, rows: RunFactQuerySet, name: str, value: str) -> RunFactQuerySet:
        return rows.filter(overridden=value == "yes")

    def by_reason(self, rows: RunFactQuerySet, name: str, value: str) -> RunFactQuerySet:
        """Choices with the same reason as a step's, which is named by its number: a reason may
        say anything, and nothing of it stands in an address."""
        if (said := self._said(value)) is None:
            return rows.none()
        return with_reason(rows, said)

    def _said(self, step: str) -> str | None:
        return reason_of(self.queryset, step) if step else None

    def by_known(self, rows: RunFactQuerySet, name: str, value: str) -> RunFactQuerySet:
        return known_of(rows, value)

    def by_nexio_status(self, rows: RunFactQuerySet, name: str, value: str) -> RunFactQuerySet:
        """A run under way has a newer status than its fact, which polls do not write."""
        # Few are under way at any time, and an index knows them.
        now = Run.objects.filter(state=RunState.WAITING, nexio_status=value).order_by()
        now_so = list(now.values_list("pk", flat=True)[:MOST_WAITING])
        ended_so = Q(nexio_status=value) & ~Q(state=RunState.WAITING)
        return rows.filter(Q(pk__in=now_so) | ended_so)

    def by_service(self, rows: RunFactQuerySet, name: str, value: str) -> RunFactQuerySet:
        return rows.filter(sandbox=value == "sandbox")

    def from_day(self, rows: RunFactQuerySet, name: str, value: date) -> RunFactQuerySet:
        return rows.filter(created_at__gte=_midnight(value))

    def to_day(self, rows: RunFactQuerySet, name: str, value: date) -> RunFactQuerySet:
        return rows.filter(created_at__lt=_midnight(value) + timedelta(days=1))

    def from_expiry(self, rows: RunFactQuerySet, name: str, value: date) -> RunFactQuerySet:
        # A price whose last day is the 3rd is gone from the 4th's first moment on.
        return rows.filter(expires_at__gt=_midnight(value))

    def to_expiry(self, rows: RunFactQuerySet, name: str, value: date) -> RunFactQuerySet:
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
