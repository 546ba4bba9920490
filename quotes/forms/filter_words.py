"""What a list is narrowed to, in words, for the access log."""

from __future__ import annotations

from collections.abc import Iterator

from django import forms

from quotes.forms.run_filters import RunFilter

UNSAID = {"reason": "that of a step"}
"""A reason may say anything, and name people; the log outlives a household's purge."""


def filter_words(chosen: RunFilter) -> str:
    """ "State: Went wrong; Broker: Ada Lane", "" for the plain list."""
    said = []
    for name, values in chosen.codes_by_name().items():
        field = chosen.form.fields[name]
        words = dict(_offered(field))
        shown = UNSAID.get(name) or ", ".join(words.get(value, value) for value in values)
        said.append(f"{field.label}: {shown}")
    return "; ".join(said)


def _offered(field: forms.Field) -> Iterator[tuple[str, str]]:
    """The words of each value, those in groups too."""
    for value, label in getattr(field.widget, "choices", ()):
        if isinstance(label, list | tuple):
            yield from ((str(code), str(words)) for code, words in label)
        else:
            yield str(value), str(label)
