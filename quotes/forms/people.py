"""Who an insured is shared with, and to whom it goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet

from quotes.forms.base import PortalForm
from quotes.models import User
from quotes.services.sharing import Colleague
from quotes.services.transfer import MOST_REASON


def named(person: User | Colleague) -> str:
    """ "Theo Lindqvist (broker2), North office": names alone may be two people's."""
    office = f", {person.office}" if person.office else ""
    return f"{person.shown_name} ({person.username}){office}"


class PersonField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return named(obj)


class ColleagueForm(PortalForm):
    """One of the people that the insured may be shared with."""

    colleague = PersonField(
        queryset=User.objects.none(),
        label="Share with",
        empty_label="Choose a colleague",
        error_messages={
            "required": "Choose a colleague.",
            "invalid_choice": "Choose somebody of the list: this insured cannot be shared with "
            "them, or already is.",
        },
    )

    def __init__(
        self,
        *args: Any,
        people: QuerySet[User] | None = None,
        listed: Sequence[Colleague] = (),
        **kwargs: Any,
    ) -> None:
        """`people` are those a posted form may name; `listed` the same, to be offered by one that
        is only shown."""
        super().__init__(*args, **kwargs)
        field: Any = self.fields["colleague"]
        if people is not None:
            field.queryset = people
        else:
            names = [(person.pk, named(person)) for person in listed]
            field.widget.choices = [("", field.empty_label), *names]


class MoveForm(PortalForm):
    """Another broker for an insured, and why."""

    to = PersonField(
        queryset=User.objects.none(),
        label="New broker",
        empty_label="Choose a broker",
        error_messages={
            "required": "Choose the broker whose it becomes.",
            "invalid_choice": "Choose an active broker of the list.",
        },
    )
    reason = forms.CharField(
        label="Reason",
        help_text="It stays with the insured's history.",
        min_length=3,
        max_length=MOST_REASON,
        error_messages={
            "required": "Say why, in a few words.",
            "min_length": "Say why, in a few words.",
        },
    )

    def __init__(self, *args: Any, people: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = people  # type: ignore[attr-defined]
