"""A quote's form: the package, and a fieldset for each line of business."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone

from quotes.forms.base import (
    BlankableForm,
    Complaint,
    LinePart,
    PortalForm,
    complaints,
    line_part,
    redrawn_lines,
)
from quotes.forms.fields import DayField, MoneyField, TextField, WholeField
from quotes.models import LINES, Quote
from quotes.services.documents import midnight
from quotes.services.editing import LINE_COLUMNS, quote_version

KIND = "lines"


class QuoteForm(PortalForm):
    carrier_name = TextField(
        label="Carrier",
        max_length=120,
        required=True,
        widget=forms.TextInput(attrs={"list": "carriers", "autocomplete": "off"}),
        error_messages={"required": "Write the carrier's name."},
    )
    package_id = TextField(label="Package id", max_length=120)
    package_premium_annual = MoneyField(
        label="Package premium", help_text="After any bundle discount."
    )
    term_months = WholeField(label="Term", low=1, high=36)
    quoted_on = DayField(label="Quoted on")
    expires_on = DayField(label="Expires on", help_text="The last day it can be bound.")
    broker = TextField(max_length=200)
    version = forms.CharField(required=False, widget=forms.HiddenInput, max_length=64)
    overwrite = forms.BooleanField(required=False, label="Save mine anyway")

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        quoted, expires = values.get("quoted_on"), values.get("expires_on")
        if quoted and expires and expires < quoted:
            self.add_error("expires_on", "It expires before it was quoted. Check both dates.")
        return values


class QuoteLineForm(BlankableForm):
    premium_annual = MoneyField(label="Annual premium")
    quote_ref = TextField(label="Quote id", max_length=120)
    product_name = TextField(label="Product", max_length=200)


def shown_start(moment: dt.datetime | None) -> dt.date | None:
    """The day, in the office, on which a quote was made."""
    return None if moment is None else timezone.localtime(moment).date()


def shown_end(moment: dt.datetime | None) -> dt.date | None:
    """A quote's last day in the office: one that ends at midnight ended the day before."""
    if moment is None:
        return None
    local = timezone.localtime(moment)
    return local.date() - dt.timedelta(days=1) if local.time() == dt.time.min else local.date()


def quote_lines(
    data: QueryDict | None = None, stored: Mapping[str, Any] | None = None
) -> list[LinePart]:
    """A form for each line of business, as stored (columns by line) or as typed."""
    stored = stored or {}
    return [
        line_part(QuoteLineForm, KIND, line, data=data, stored=stored.get(line)) for line in LINES
    ]


class QuoteEditor:
    """All the parts of the quote's form: as stored, or as typed where there is `data`."""

    def __init__(self, quote: Quote | None, data: QueryDict | None = None) -> None:
        self.quote = quote
        rows = quote.lines.all() if quote and data is None else ()
        stored = {row.line: {name: getattr(row, name) for name in LINE_COLUMNS} for row in rows}
        self.form = QuoteForm(data, initial=_initial(quote) if data is None else None)
        self.lines = quote_lines(data, stored)
        if quote is None and data is None:
            # A new quote shows home and auto open; what stays empty is not quoted.
            for part in self.lines[:2]:
                part.shown = True
        self.extra: list[Complaint] = []

    @classmethod
    def redrawn(cls, quote: Quote | None, data: QueryDict) -> QuoteEditor:
        """The form after a press of an add or remove button: all that was typed, unjudged."""
        editor = cls(quote, data)
        editor.form.quiet = True
        editor.lines = redrawn_lines(editor.lines, data, KIND)
        return editor

    def is_valid(self) -> bool:
        open_lines = [part.form for part in self.lines if part.shown]
        judged = [part.is_valid() for part in (self.form, *open_lines)]
        valid = all(judged)
        if valid and not self.line_columns():
            self.extra.append(
                Complaint(
                    "s-lines",
                    "Lines: fill in home, auto or umbrella. A quote without a line is never sent.",
                )
            )
            return False
        return valid

    @property
    def complaints(self) -> list[Complaint]:
        """Every mistake, in the order of the page."""
        if self.form.quiet or not self.form.is_bound:
            return []
        found = [*self.extra, *complaints(self.form)]
        for part in self.lines:
            if part.shown:
                found += complaints(part.form, part.label)
        return found

    def columns(self) -> dict[str, Any]:
        """The quote's columns as a valid form says them; moments change only with their day."""
        values = dict(self.form.cleaned_data)
        for name in ("version", "overwrite"):
            del values[name]
        quoted, expires = values.pop("quoted_on"), values.pop("expires_on")
        stored = self.quote
        if stored and shown_start(stored.generated_at) == quoted:
            values["generated_at"] = stored.generated_at
        else:
            values["generated_at"] = midnight(quoted) if quoted else None
        if stored and shown_end(stored.expires_at) == expires:
            values["expires_at"] = stored.expires_at
        else:
            values["expires_at"] = midnight(expires + dt.timedelta(days=1)) if expires else None
        return values

    def line_columns(self) -> dict[str, dict[str, Any]]:
        """The columns of every line in which anything is filled in."""
        return {
            part.line: dict(part.form.cleaned_data)
            for part in self.lines
            if part.shown and not part.form.blank
        }


def _initial(quote: Quote | None) -> dict[str, Any]:
    if quote is None:
        return {"term_months": 12}
    names = ("carrier_name", "package_id", "package_premium_annual", "term_months", "broker")
    return {name: getattr(quote, name) for name in names} | {
        "quoted_on": shown_start(quote.generated_at),
        "expires_on": shown_end(quote.expires_at),
        "version": quote_version(quote),
    }
