"""The fields that narrow the list of runs: codes and days only, nothing personal.

The fields are made once a process: what one person may choose from, another may not, so selects of
such choices are copied for each form and nothing else is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict

from quotes.forms.day_order import RunDaysInOrder
from quotes.models import CarrierPart, Decision, Line, RunState
from quotes.services.run_reasons import HAS

GROUPS = {
    "under_way": "Under way",
    "needs_person": "Went wrong",
    "overdue": "Overdue",
    "degraded": "Degraded",
    "with_packages": "With packages",
    "no_package": "Completed, no package",
}
NOBODY = "none"
LISTED = {"invalid_choice": "Choose one of those listed."}
STATES = [("Groups", list(GROUPS.items())), ("States", list(RunState.choices))]
DECISIONS = [("decided", "Any but undecided"), *Decision.choices]
Choices = Sequence[tuple[Any, Any]]
OFFERED = ("broker", "office", "carrier", "label", "reason", "failure", "nexio")
"""Selects whose options are not the same for everybody."""


class OpenChoiceField(forms.CharField):
    """One of what is offered, or any other short word: the carriers' and Nexio's are open."""

    widget = forms.Select

    def __init__(self, label: str) -> None:
        super().__init__(label=label, required=False, max_length=200)


class RowField(forms.Field):
    """One of some rows, which are asked for where one is chosen, or a code for none of them."""

    widget = forms.Select

    def __init__(self, label: str) -> None:
        super().__init__(label=label, required=False)
        self.rows: Callable[[], QuerySet[Any]] | None = None
        self.code = ""

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return None
        if value == self.code:
            return value
        assert self.rows is not None  # noqa: S101
        return forms.ModelChoiceField(self.rows(), error_messages=LISTED).clean(value)


def _day(label: str) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=False, widget=widget)


def _choice(label: str, choices: Choices, empty: str = "Any") -> forms.ChoiceField:
    every = [("", empty), *choices]
    return forms.ChoiceField(label=label, choices=every, required=False, error_messages=LISTED)


class _Shared(dict[str, forms.Field]):
    """Fields that a form takes as they are, where Django copies each with all its parts."""

    def __deepcopy__(self, memo: Any) -> dict[str, forms.Field]:
        return dict(self)


class RunFilterForm(RunDaysInOrder):
    """What the selects of rows and of open words hold differs: see `offer` and `offer_rows`."""

    state = _choice("State", STATES)
    decision = _choice("Decision", DECISIONS)
    broker = RowField("Broker")
    since = _day("From")
    until = _day("To")
    office = RowField("Office")
    line = forms.MultipleChoiceField(
        label="Lines, all of",
        choices=Line.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages=LISTED,
    )
    carrier = RowField("Carrier")
    part = _choice("The carrier is", CarrierPart.choices, "Rank 1 or chosen")
    label = OpenChoiceField("Label of rank 1 or the chosen")
    overridden = _choice("Choice", [("yes", "Not the first rank"), ("no", "The first rank")])
    reason = OpenChoiceField("Reason of the choice")
    failure = OpenChoiceField("Why no packages")
    nexio = OpenChoiceField("Nexio's status")
    service = _choice("Service", [("nexio", "Nexio"), ("sandbox", "Sandbox")])
    has = _choice("Only runs with", HAS)
    expires_since = _day("First price ends from")
    expires_until = _day("First price ends to")

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self.offered: dict[str, Choices] = {}
        for name in OFFERED:
            self.fields[name] = field = copy(self.fields[name])
            field.widget = copy(field.widget)

    def offer(self, name: str, choices: Choices) -> None:
        """What the select offers; its options are made only where they are drawn."""
        self.offered[name] = choices
        self.fields[name].widget.choices = lambda: choices

    def offer_rows(
        self, name: str, choices: Choices, rows: Callable[[], QuerySet[Any]], code: str = ""
    ) -> None:
        """What a select of rows offers, the rows themselves, and a code for none of them."""
        self.offer(name, choices)
        field: Any = self.fields[name]
        field.rows, field.code = rows, code


# Nothing of a field changes as it is cleaned or drawn.
RunFilterForm.base_fields = _Shared(RunFilterForm.base_fields)
