"""Fields that take trade shorthand: they keep what was typed and say how it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from quotes.services import details, shorthand

PREMIUM = "premium_annual"
COVERAGE_A = "coverage_a"
ON_COVERAGE_A = frozenset(code for (line, code) in details.BY_CODE if line == "home") - {COVERAGE_A}
"""What may be a percentage of coverage A."""


@dataclass(frozen=True)
class Reading:
    """How a text is read: `words` where that says more than the text, or `mistake`."""

    words: str = ""
    mistake: str = ""


def read_text(line: str, code: str, text: str, coverage_a: str = "") -> Reading:
    """How the form reads `text` as the detail `code` of a line, or as its premium.

    `coverage_a` is what is typed there: a percentage of it is said in dollars as well.
    """
    try:
        plain = shorthand.tidy(text)
        if not plain:
            return Reading()
        if code == PREMIUM:
            return Reading(_premium_words(plain))
        value = details.parse_detail(line, code, plain)
    except ValueError as error:
        return Reading(mistake=str(error))
    words = details.reading(line, code, value, _dollars(coverage_a) if line == "home" else None)
    return Reading("" if words == plain else words)


def _premium_words(plain: str) -> str:
    stated = shorthand.parse_premium(plain)
    if stated.months is None:
        return ""
    term = {"premium": stated.amount, "months": stated.months}
    return f"{shorthand.shown_dollars(stated.annual)} a year: {details.term_words(term)}"


def _dollars(text: str) -> Any:
    try:
        return details.parse_detail("home", COVERAGE_A, text) if text.strip() else None
    except ValueError:
        return None


class ShorthandField(forms.Field):
    """Text in shorthand: cleaned to the text itself, tidied, once `parse` can read it."""

    def __init__(
        self,
        *,
        parse: Callable[[str], Any],
        line: str,
        code: str,
        wide: bool = False,
        **kwargs: Any,
    ) -> None:
        self.parse, self.line, self.code, self.wide = parse, line, code, wide
        super().__init__(required=False, **kwargs)

    def to_python(self, value: Any) -> str:
        try:
            text = shorthand.tidy(str(value or ""))
            if text:
                self.parse(text)
        except ValueError as error:
            raise ValidationError(str(error)) from None
        return text

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> ReadBoundField:
        return ReadBoundField(form, self, field_name)


class ReadBoundField(forms.BoundField):
    """A field beside which stands how its text is read."""

    field: ShorthandField

    @property
    def below_id(self) -> str:
        """The id of the element that holds the reading, or the mistake."""
        return f"{self.auto_id}_reading"

    @property
    def aria_describedby(self) -> str:
        hint = f"{self.auto_id}_helptext " if self.help_text else ""
        return f"{hint}{self.below_id}"

    @property
    def sends(self) -> str:
        """The names of the inputs that are sent to be read: its own first, then coverage A's."""
        name = self.html_name
        if self.field.line == "home" and self.field.code in ON_COVERAGE_A:
            return f"{name},{self.form.add_prefix(COVERAGE_A)}"
        return name

    @property
    def reading(self) -> str:
        """How the text is read, where that says more than the text does."""
        if self.errors:
            return ""
        known = self.form[COVERAGE_A].value() if COVERAGE_A in self.form.fields else ""
        text = str(self.value() or "")
        return read_text(self.field.line, self.field.code, text, str(known or "")).words
