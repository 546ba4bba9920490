"""What the list of runs may be narrowed to: codes and dates only, nothing personal."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import django_filters
from django import forms
from django.db.models import Exists, OuterRef, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from quotes.models import Carrier, Line, Role, Run, RunState, Solution, SolutionLine, User
from quotes.models.run import IN_FLIGHT, NEEDS_PERSON, RunQuerySet

GROUPS = {
    "under_way": "Under way",
    "needs_person": "Went wrong",
    "overdue": "Overdue",
    "degraded": "Degraded",
    "no_package": "Completed, no package",
}
LISTED = {"invalid_choice": "Choose one of those listed."}
STATES = [("Groups", list(GROUPS.items())), ("States", list(RunState.choices))]


def in_group(rows: RunQuerySet, group: str, now: datetime) -> RunQuerySet:
    """Runs of one state, or of a group of states as a reviewer thinks of them."""
    if group == "under_way":
        return rows.filter(state__in=IN_FLIGHT)
    if group == "needs_person":
        return rows.filter(state__in=NEEDS_PERSON)
    if group == "overdue":
        return rows.overdue(now)
    if group == "degraded":
        return rows.filter(state=RunState.COMPLETED, nexio_status="degraded")
    if group == "no_package":
        none = ~Exists(Solution.objects.filter(run=OuterRef("pk")))
        return rows.filter(none, state=RunState.COMPLETED)
    return rows.filter(state=group)


class RunFilter(django_filters.FilterSet):  # type: ignore[misc]
    """The filters of the list; a value that makes no sense is a form error and filters nothing."""

    state = django_filters.ChoiceFilter(
        label="State", choices=STATES, empty_label="Any", method="by_state", error_messages=LISTED
    )
    broker = django_filters.ModelChoiceFilter(
        label="Broker",
        queryset=User.objects.filter(groups__name=Role.BROKER).order_by("last_name", "username"),
        field_name="insured__owner",
        empty_label="All brokers",
        error_messages=LISTED,
    )
    line = django_filters.ChoiceFilter(
        label="Line",
        choices=Line.choices,
        empty_label="Any",
        method="by_line",
        error_messages=LISTED,
    )
    carrier = django_filters.ModelChoiceFilter(
        label="Carrier in rank 1",
        queryset=Carrier.objects.all(),
        empty_label="Any",
        error_messages=LISTED,
        method="by_carrier",
    )
    service = django_filters.ChoiceFilter(
        label="Service",
        choices=[("nexio", "Nexio"), ("sandbox", "Sandbox")],
        empty_label="Any",
        error_messages=LISTED,
        method="by_service",
    )
    since = django_filters.DateFilter(
        label="From",
        field_name="created_at",
        method="from_day",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    until = django_filters.DateFilter(
        label="To",
        field_name="created_at",
        method="to_day",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    class Meta:
        model = Run
        fields: list[str] = []

    def __init__(self, *args: Any, all_brokers: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not all_brokers:
            del self.filters["broker"]
        else:
            self.filters["broker"].field.label_from_instance = lambda user: user.shown_name

    def by_state(self, rows: RunQuerySet, name: str, value: str) -> RunQuerySet:
        return in_group(rows, value, timezone.now())

    def by_line(self, rows: RunQuerySet, name: str, value: str) -> QuerySet[Run]:
        # A list of three fixed words, kept as JSON text: the word in quotation marks is exact.
        words = Cast("coverage_types", TextField())
        return rows.annotate(coverage_words=words).filter(coverage_words__contains=f'"{value}"')

    def by_carrier(self, rows: RunQuerySet, name: str, value: Carrier) -> RunQuerySet:
        first = SolutionLine.objects.filter(
            solution__run=OuterRef("pk"), solution__rank=1, carrier=value
        )
        return rows.filter(Exists(first))

    def by_service(self, rows: RunQuerySet, name: str, value: str) -> RunQuerySet:
        return rows.filter(sandbox=value == "sandbox")

    def from_day(self, rows: RunQuerySet, name: str, value: date) -> RunQuerySet:
        return rows.filter(created_at__gte=_midnight(value))

    def to_day(self, rows: RunQuerySet, name: str, value: date) -> RunQuerySet:
        return rows.filter(created_at__lt=_midnight(value) + timedelta(days=1))


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
