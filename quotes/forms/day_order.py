"""Forms that ask for a first and a last day: the last is never before the first."""

from __future__ import annotations

from typing import Any

from django import forms

BACKWARD = "The last day is before the first one."


class DaysInOrder(forms.Form):
    """A last day that comes before its first is refused, and then narrows nothing."""

    day_pairs: tuple[tuple[str, str], ...] = (("since", "until"),)
    """First and last day, by the fields' names."""

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        for first, last in self.day_pairs:
            begins, ends = said.get(first), said.get(last)
            if begins and ends and ends < begins:
                self.add_error(last, BACKWARD)
        return said


class RunDaysInOrder(DaysInOrder):
    """The two pairs of days of the list of runs."""

    day_pairs = (("since", "until"), ("expires_since", "expires_until"))
