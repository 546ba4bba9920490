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
from quotes.forms.shorthand import PREMIUM, ShorthandField
from quotes.models import LINES, Quote, QuoteLine
from quotes.services.details import DETAILS, Detail, details_of, premium_text
from quotes.services.documents import midnight
from quotes.services.editing_quote import TypedLine, quote_version
from quotes.services.shorthand import parse_premium

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
    """One line's columns, then a field for each of its details."""

    line = ""
    quote_ref = TextField(label="Quote id", max_length=120)
    product_name = TextField(label="Product", max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[PREMIUM] = ShorthandField(
            label="Annual premium", parse=parse_premium, line=self.line, code=PREMIUM,
            widget=forms.TextInput(attrs={"autocomplete": "off"}),
        )  # fmt: skip
        for detail in _shown_details(self.line):
            example = {"placeholder": f"e.g. {detail.placeholder}", "autocomplete": "off"}
            self.fields[detail.code] = ShorthandField(
                label=detail.label, parse=detail.kind.parse, line=self.line, code=detail.code,
                help_text=detail.help, wide=detail.wide, widget=forms.TextInput(attrs=example),
            )  # fmt: skip
        self.order_fields([PREMIUM])

    @property
    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The details' fields under their groups' names."""
        found: dict[str, list[forms.BoundField]] = {}
        for detail in _shown_details(self.line):
            found.setdefault(detail.group, []).append(self[detail.code])
        return list(found.items())

    @property
    def states_details(self) -> bool:
        """Whether any detail is stated or typed: then they are shown open."""
        return any(self[detail.code].value() for detail in _shown_details(self.line))

    def typed_line(self) -> TypedLine:
        """The line as a valid form says it."""
        values = self.cleaned_data
        texts = {detail.code: values[detail.code] for detail in _shown_details(self.line)}
        return TypedLine(values[PREMIUM], values["quote_ref"], values["product_name"], texts)


class HomeForm(QuoteLineForm):
    line = "home"


class AutoForm(QuoteLineForm):
    line = "auto"


class UmbrellaForm(QuoteLineForm):
    line = "umbrella"


FORMS = {form.line: form for form in (HomeForm, AutoForm, UmbrellaForm)}


def _shown_details(line: str) -> list[Detail]:
    """A line's details with a field of their own: its term is typed with the premium."""
    return [detail for detail in DETAILS[line] if detail.code != "term"]


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
        line_part(FORMS[line], KIND, line, data=data, stored=stored.get(line)) for line in LINES
    ]


class QuoteEditor:
    """All the parts of the quote's form: as stored, or as typed where there is `data`."""

    def __init__(self, quote: Quote | None, data: QueryDict | None = None) -> None:
        self.quote = quote
        rows = quote.lines.all() if quote and data is None else ()
        stored = {row.line: _stored_line(row) for row in rows}
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
        if valid and not self.typed_lines():
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

    def typed_lines(self) -> dict[str, TypedLine]:
        """Every line in which anything is filled in, and those that were empty as stored."""
        return {
            part.line: part.form.typed_line()
            for part in self.lines
            if part.shown and (not part.form.blank or self._was_empty(part.line))
        }

    def _was_empty(self, line: str) -> bool:
        """Whether the stored quote has the line and says nothing of it that the form shows, as
        after copying a quote without its prices: left empty, it is not taken out."""
        row = self.quote.line(line) if self.quote else None
        return row is not None and not any(_stored_line(row).values())


def _stored_line(row: QuoteLine) -> dict[str, str]:
    texts = {code: stated.text for code, stated in details_of(row).items()}
    return texts | {
        PREMIUM: premium_text(row), "quote_ref": row.quote_ref, "product_name": row.product_name,
    }  # fmt: skip


def _initial(quote: Quote | None) -> dict[str, Any]:
    if quote is None:
        return {"term_months": 12}
    names = ("carrier_name", "package_id", "package_premium_annual", "term_months", "broker")
    return {name: getattr(quote, name) for name in names} | {
        "quoted_on": shown_start(quote.generated_at),
        "expires_on": shown_end(quote.expires_at),
        "version": quote_version(quote),
    }
