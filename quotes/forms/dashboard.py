"""What a dashboard is asked for: days, whose runs, ranked by what. Codes and dates only."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone

from quotes.forms.day_order import BACKWARD
from quotes.models import Office, User
from quotes.services.brokers_seen import brokers_seen_by, named_brokers, offices_seen_by
from quotes.services.dashboard.period import DEFAULT, PRESETS, Period
from quotes.services.dashboard.scope import Scope

FIRST, LAST = date(2000, 1, 1), date(2099, 12, 31)
MOST_YEARS = 20
LISTED = {"invalid_choice": "Choose one of those listed."}
BOTH = "both"
SERVICES = [("nexio", "Nexio"), ("sandbox", "Sandbox"), (BOTH, "Nexio and sandbox")]


def _day(label: str) -> forms.DateField:
    words = f"Give a day from {FIRST.year} to {LAST.year}."
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        validators=[MinValueValidator(FIRST, words), MaxValueValidator(LAST, words)],
        error_messages={"invalid": "Give a day, such as 2026-03-31."},
    )


class DashboardForm(forms.Form):
    """Days win over a preset. What makes no sense is an error at its field and narrows nothing."""

    since = _day("From")
    until = _day("To")
    broker = forms.ModelChoiceField(
        label="Broker", queryset=User.objects.none(), required=False, error_messages=LISTED
    )
    office = forms.ModelChoiceField(
        label="Office",
        queryset=Office.objects.none(),
        required=False,
        empty_label="All offices",
        error_messages=LISTED,
    )
    service = forms.ChoiceField(
        label="Ranked by", choices=SERVICES, required=False, error_messages=LISTED
    )

    def __init__(self, data: QueryDict, *, user: User, now: datetime) -> None:
        self.user, self.now = user, now
        self.usual_service = BOTH if settings.NEXIO_IS_SANDBOX else "nexio"
        said = data.copy()
        if not said.get("service"):
            # Shown as chosen: it is what the figures are of.
            said["service"] = self.usual_service
        super().__init__(said)
        if said.get("broker"):
            # Offered for what is chosen to be found in; without a choice it is not asked.
            self._offer("broker", brokers_seen_by(user))
        self.fields["broker"].widget.choices = [("", "All brokers"), *named_brokers(user)]
        if user.sees_all or len(user.offices_seen) > 1:
            self._offer("office", offices_seen_by(user))
        else:
            del self.fields["office"]

    def _offer(self, name: str, rows: QuerySet[Any]) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = rows

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        since, until = said.get("since"), said.get("until")
        if until and not since and "since" not in self.errors:
            self.add_error("since", "Give the first day as well.")
        elif since and until and until < since:
            self.add_error("until", BACKWARD)
        elif since and until and until.year - since.year > MOST_YEARS:
            self.add_error("until", f"Choose at most {MOST_YEARS} years.")
        return said

    def scope(self) -> Scope:
        """What the figures are to be of; where the days make no sense, of the usual ones."""
        self.full_clean()
        said = self.cleaned_data
        service = said.get("service") or self.usual_service
        return Scope(
            user=self.user,
            period=self._period(said.get("since"), said.get("until")),
            now=self.now,
            broker=said.get("broker"),
            office=said.get("office"),
            service="" if service == BOTH else service,
        )

    def _period(self, since: date | None, until: date | None) -> Period:
        today = timezone.localdate(self.now)
        if since and "until" not in self.errors:
            return Period(since, until or max(today, since))
        code = self.data.get("period", "")
        return Period.preset(code if code in PRESETS else DEFAULT, today)

    def codes(self, scope: Scope) -> dict[str, str]:
        """The address of what is shown, without its period."""
        kept = {name: value for name, value in scope.kept_codes.items() if name != "service"}
        service = scope.service or BOTH
        return kept if service == self.usual_service else {**kept, "service": service}
