"""Filter fields that nobody has set are drawn once for each set of choices.

A list's filters are drawn at every request, and hardly ever is one set: what is drawn of the others
follows from the field and from what it offers, and is kept by just these. Nothing that was typed,
chosen or found wrong is ever kept; what is offered are names of brokers, offices and carriers.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from threading import Lock
from typing import Any, Protocol

from django.forms import BoundField
from django.utils.safestring import SafeString

from brokerportal.compiled_templates import drawn_part

MOST_KEPT = 300
"""Fields: a dozen of those are everybody's, and of selects of people one for each who asks."""


class OffersChoices(Protocol):
    """A form whose fields look alike wherever they offer the same."""

    offered: dict[str, Sequence[tuple[Any, Any]]]


class DrawnFields:
    checked = False
    """For tests: whether what is kept is held against what is drawn anew."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self.most = most
        self.kept: dict[Hashable, SafeString] = {}
        self.lock = Lock()

    def drawn(self, field: BoundField, form: OffersChoices) -> SafeString:
        """The field with its label, as a filter of a list."""
        if field.data or field.errors:
            return _drawn(field)
        # A field that was sent empty says so in some widgets.
        empty = field.data == ""
        key = (type(form), field.name, empty, tuple(form.offered.get(field.name, ())))
        markup = self.kept.get(key)
        if markup is None:
            markup = _drawn(field)
            with self.lock:  # requests are answered by several threads
                if len(self.kept) >= self.most:
                    del self.kept[next(iter(self.kept))]
                self.kept[key] = markup
        elif self.checked and markup != _drawn(field):
            raise AssertionError(f"Kept: {markup}\nDrawn anew: {_drawn(field)}")
        return markup


def _drawn(field: BoundField) -> SafeString:
    return drawn_part("filter_field", {"field": field})


FILTERS = DrawnFields()
