"""Fields of our forms: lenient about how a number is written, strict about what it says."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from localflavor.us.us_states import STATE_CHOICES

from quotes.models.fields import MOST_MONEY
from quotes.services.shorthand import parse_dollars

NUMBER = re.compile(r"([0-9]+|[0-9]{1,3}(,[0-9]{3})+)")
NOT_TEXT = "It holds a character that is not text. Type it again instead of pasting it."


class Uncut(forms.CharField):
    """Text that may be too long for a moment. With `maxlength` a browser cuts off the end of what
    is pasted without a word; without it the whole comes back, and how much it is too long."""

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        attrs = super().widget_attrs(widget)
        attrs.pop("maxlength", None)
        return attrs


class TextField(Uncut):
    """One line of text; optional unless said otherwise."""

    def __init__(self, *, max_length: int, required: bool = False, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, required=required, **kwargs)
        self.validators = [v for v in self.validators if not _about_nul(v)]
        self.error_messages["max_length"] = "Shorten it to %(limit_value)d characters or fewer."

    def clean(self, value: Any) -> str:
        if isinstance(value, str) and "\x00" in value:
            raise ValidationError(NOT_TEXT)
        try:
            return str(super().clean(value))
        except ValidationError as error:
            if any(getattr(each, "code", "") == "max_length" for each in error.error_list):
                raise ValidationError(
                    f"Shorten it to {self.max_length} characters or fewer; "
                    f"it has {len(str(value).strip())}."
                ) from None
            raise


def _about_nul(validator: object) -> bool:
    return type(validator).__name__ == "ProhibitNullCharactersValidator"


class WholeField(forms.Field):
    """A whole number from `low` to `high`; "2,640" is 2640."""

    def __init__(self, *, low: int, high: int, **kwargs: Any) -> None:
        self.low, self._high = low, high
        kwargs.setdefault("required", False)
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "numeric"}))
        super().__init__(**kwargs)

    @property
    def high(self) -> int:
        return self._high

    def to_python(self, value: Any) -> int | None:
        text = str(value or "").strip() if value != 0 else "0"
        if not text:
            return None
        digits = text.replace(",", "")
        if not NUMBER.fullmatch(text) or len(digits) > 12 or not self._fits(int(digits)):
            raise ValidationError(f"Write a whole number from {self.low} to {self._shown_high}.")
        return int(digits)

    @property
    def _shown_high(self) -> str:
        """Years are written without a comma."""
        return f"{self.high:,}" if self.high > 9999 else str(self.high)

    def _fits(self, value: int) -> bool:
        return self.low <= value <= self.high


class YearField(WholeField):
    """A year from `low` to next year: houses and cars are sold before their year begins."""

    def __init__(self, *, low: int, **kwargs: Any) -> None:
        super().__init__(low=low, high=low, **kwargs)

    @property
    def high(self) -> int:
        return timezone.localdate().year + 1


class MoneyField(forms.Field):
    """Dollars and cents, written "6480", "6,480.50" or "$6,480.50"."""

    def __init__(self, *, most: Decimal = MOST_MONEY, **kwargs: Any) -> None:
        self.most = most
        kwargs.setdefault("required", False)
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal"}))
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        """A stored sum as it is written: without cents where there are none."""
        if isinstance(value, Decimal):
            return f"{value:.0f}" if value == value.to_integral_value() else f"{value:.2f}"
        return value

    def to_python(self, value: Any) -> Decimal | None:
        text = str(value or "").strip() if value != 0 else "0"
        if not text:
            return None
        try:
            return parse_dollars(text, self.most)
        except ValueError as error:
            raise ValidationError(str(error)) from None


class ZipField(TextField):
    """A ZIP code kept as text, so that 02115 stays 02115."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 10)
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "numeric"}))
        super().__init__(**kwargs)

    def clean(self, value: Any) -> str:
        text = super().clean(str(value or "")[:40] if value else value).strip()
        if text and not re.fullmatch(r"[0-9]{5}(-[0-9]{4})?", text):
            raise ValidationError("Write five digits, such as 02115, or ZIP+4, such as 02115-1234.")
        return text


class StateField(forms.ChoiceField):
    """A state by its two letters, from localflavor's list."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        super().__init__(choices=[("", "Not stated"), *STATE_CHOICES], **kwargs)
        self.error_messages["invalid_choice"] = "Choose a state from the list."


class DayField(forms.DateField):
    """A day, written as the browser's date field does or as 3/28/2026."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        super().__init__(
            input_formats=["%Y-%m-%d", "%m/%d/%Y", "%m/%d/%y"],
            widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            **kwargs,
        )
        self.error_messages["invalid"] = "Write a date, such as 3/28/2026."

    def clean(self, value: Any) -> dt.date | None:
        day: dt.date | None = super().clean(value)
        if day is not None and not 2000 <= day.year <= 2099:
            raise ValidationError("Write a date between 2000 and 2099.")
        return day
