"""The forms that copy: an insured for its renewal, a quote for another carrier."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

from django import forms

from quotes.forms.base import PortalForm
from quotes.forms.fields import DayField, TextField, WholeField

AS_THEY_ARE = "as-they-are"


class RenewalForm(PortalForm):
    """What is in force now: the package that was chosen last is proposed. With packages of which
    none was chosen nothing is proposed: which policies are in force only the broker knows, and a
    wrong incumbent would pass unseen."""

    in_force = forms.ChoiceField(
        error_messages={
            "required": "Say what is in force now: the policies as they are, or a package.",
            "invalid_choice": "That package is not among those of this insured. Choose again.",
        },
    )
    effective_date = DayField(label="New effective date")
    with_quotes = forms.BooleanField(
        required=False, label="Copy the quotes without premiums, to be filled in"
    )
    seen = WholeField(low=0, high=9999, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        packages: Collection[int],
        effective: dt.date | None = None,
        seen: int = 0,
        proposed: int | None = None,
    ) -> None:
        initial: dict[str, Any] = {"effective_date": effective, "seen": seen}
        if proposed is not None:
            initial["in_force"] = str(proposed)
        elif not packages:
            initial["in_force"] = AS_THEY_ARE
        super().__init__(data, initial=initial)
        field = self.fields["in_force"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - tells the type checker
        field.choices = [(AS_THEY_ARE, ""), *((str(pk), "") for pk in packages)]

    @property
    def chosen(self) -> str:
        """The choice as it stands, typed or proposed."""
        return str(self["in_force"].value() or "")

    @property
    def package(self) -> int | None:
        """The chosen package of a valid form; None for the policies as they are."""
        value = self.cleaned_data["in_force"]
        return None if value == AS_THEY_ARE else int(value)


class QuoteCopyForm(PortalForm):
    carrier_name = TextField(
        label="Carrier",
        max_length=120,
        required=True,
        widget=forms.TextInput(
            attrs={"list": "carriers", "autocomplete": "off", "autofocus": True}
        ),
        error_messages={"required": "Write the carrier's name."},
    )
