"""What the access log is narrowed to: people by id, deeds by code, days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from quotes.forms.day_order import DaysInOrder
from quotes.forms.runs import ReasonForm
from quotes.models import Deed, User
from quotes.models.audit import AuditEventQuerySet

NOBODY = "0"
NEAREST, FARTHEST = date(2000, 1, 1), date(9000, 1, 1)


class AuditFilter(DaysInOrder):
    """A value that makes no sense is an error beside its field and narrows nothing."""

    person = forms.ChoiceField(label="Person", required=False)
    deed = forms.ChoiceField(
        label="Deed", required=False, choices=[("", "All deeds"), *Deed.choices]
    )
    since = forms.DateField(
        label="From", required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    until = forms.DateField(
        label="To", required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )

    def __init__(self, data: Any, *, people: Sequence[User]) -> None:
        super().__init__(data)
        known = [(str(user.pk), user.shown_name) for user in people]
        self.fields["person"] = forms.ChoiceField(
            label="Person",
            required=False,
            choices=[("", "Everybody"), *known, (NOBODY, "The app and commands")],
        )
        self.order_fields(["person", "deed", "since", "until"])

    def narrow(self, rows: AuditEventQuerySet) -> AuditEventQuerySet:
        self.is_valid()
        said = self.cleaned_data
        if said.get("person") == NOBODY:
            rows = rows.filter(actor__isnull=True)
        elif said.get("person"):
            rows = rows.filter(actor=said["person"])
        if said.get("deed"):
            rows = rows.filter(deed=said["deed"])
        if said.get("since"):
            rows = rows.filter(at__gte=_midnight(said["since"]))
        if said.get("until"):
            rows = rows.filter(at__lt=_midnight(said["until"]) + timedelta(days=1))
        return rows

    def codes(self) -> dict[str, str]:
        """What the list is narrowed by, as an address has it."""
        return {
            name: self.data[name]
            for name in self.fields
            if self.data.get(name) and name not in self.errors
        }


class HoldForm(ReasonForm):
    """Why a hold is placed or lifted."""


def _midnight(day: date) -> datetime:
    """The day's beginning in office time; far years are cut to those every database holds."""
    return timezone.make_aware(datetime.combine(min(max(day, NEAREST), FARTHEST), time.min))
