"""What a person says when settling a run by hand: a reason, and for a link the run_id."""

from __future__ import annotations

from typing import Any

from django import forms

from quotes.forms.fields import Uncut


class ReasonForm(forms.Form):
    """Why; kept on the run's timeline for whoever asks later."""

    reason = Uncut(
        label="Reason",
        help_text="Kept in the history.",
        min_length=3,
        max_length=500,
        error_messages={
            "required": "Write the reason: it is kept in the history.",
            "min_length": "Write the reason in at least 3 characters.",
            "max_length": "Keep the reason to 500 characters; it has %(show_value)d.",
        },
    )

    def __init__(self, data: Any = None, *, name: str) -> None:
        """`name` keeps the ids of several such forms on one page apart."""
        super().__init__(data, auto_id=f"{name}_%s")


class LinkForm(ReasonForm):
    """A lost submission and the run_id that somebody found for it."""

    run_id = Uncut(
        label="Nexio run id",
        help_text="As Nexio's dashboard or support writes it.",
        max_length=200,
        widget=forms.TextInput(
            attrs={"class": "mono", "autocomplete": "off", "spellcheck": "false"}
        ),
        error_messages={
            "required": "Copy the run_id as Nexio shows it.",
            "max_length": "A run_id has at most 200 characters; this has %(show_value)d.",
        },
    )
    field_order = ["run_id", "reason"]
