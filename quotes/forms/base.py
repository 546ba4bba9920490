"""What our forms share: parts that can be redrawn without judging, and one list of complaints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.http import QueryDict

from quotes.models import Line


class PortalForm(forms.Form):
    """A form that says every mistake itself; the browser's own bubbles stay out of it."""

    use_required_attribute = False
    quiet = False
    """Set while rows are added or removed: what was typed is shown again, and nothing judged."""

    @property
    def errors(self) -> ErrorDict:
        return ErrorDict() if self.quiet else super().errors


class BlankableForm(PortalForm):
    """A row or line that counts only when anything is filled in."""

    kept_out_of_blank = frozenset({"id"})

    @property
    def blank(self) -> bool:
        """Whether nothing was typed. Ask a valid form only."""
        return all(
            value in (None, "")
            for name, value in self.cleaned_data.items()
            if name not in self.kept_out_of_blank
        )


@dataclass(frozen=True)
class Complaint:
    """One mistake for the list at the top: the id of the field, and what to do."""

    anchor: str
    text: str


def complaints(form: forms.Form, where: str = "") -> Iterable[Complaint]:
    """Every mistake in `form`; `where` says which row ("Driver 2")."""
    for name, errors in form.errors.items():
        if name == "__all__":
            yield from (Complaint("", str(error)) for error in errors)
            continue
        bound = form[name]
        label = f"{where}, {str(bound.label).lower()}" if where else str(bound.label)
        yield from (Complaint(bound.id_for_label, f"{label}: {error}") for error in errors)


def changed_rows(
    data: QueryDict, prefix: str, names: Iterable[str], *, add: bool, remove: int | None, most: int
) -> QueryDict:
    """The posted `data` with a row of the formset `prefix` added at its end or taken out."""
    out = data.copy()
    try:
        total = max(0, min(int(data.get(f"{prefix}-TOTAL_FORMS") or 0), most + 10))
    except ValueError:
        total = 0
    names = list(names)
    rows = [{n: data.get(f"{prefix}-{i}-{n}", "") for n in names} for i in range(total)]
    if remove is not None and 0 <= remove < total:
        del rows[remove]
    if add and len(rows) < most:
        rows.append(dict.fromkeys(names, ""))
    for index in range(total):
        for name in names:
            out.pop(f"{prefix}-{index}-{name}", None)
    for index, row in enumerate(rows):
        for name, value in row.items():
            out[f"{prefix}-{index}-{name}"] = value
    out[f"{prefix}-TOTAL_FORMS"] = str(len(rows))
    out[f"{prefix}-INITIAL_FORMS"] = "0"
    return out


@dataclass
class LinePart:
    """The form of one line of business, and whether it is open or stands there as absent."""

    line: str
    kind: str
    form: Any
    shown: bool

    @property
    def label(self) -> str:
        return str(Line(self.line).label)

    @property
    def name(self) -> str:
        """What the buttons that open and close it send."""
        return f"{self.kind}-{self.line}"


def line_part(
    form: type[BlankableForm],
    kind: str,
    line: str,
    *,
    data: QueryDict | None,
    stored: Any,
) -> LinePart:
    """One line's form as stored (None for an absent line), or as typed."""
    shown = stored is not None if data is None else f"{kind}-{line}-shown" in data
    return LinePart(line, kind, form(data, prefix=f"{kind}-{line}", initial=stored), shown)


def redrawn_lines(parts: list[LinePart], data: QueryDict, kind: str) -> list[LinePart]:
    """The lines as the pressed button wants them: one opened or emptied and closed, unjudged."""
    verb, line = wanted(data, kind)
    out = []
    for part in parts:
        if part.line == line and verb == "remove":
            # Without data: opening it again shows it empty.
            part = LinePart(line, kind, type(part.form)(prefix=part.name), shown=False)
        elif part.line == line and verb == "add":
            part = LinePart(line, kind, type(part.form)(prefix=part.name), shown=True)
            next(iter(part.form.visible_fields())).field.widget.attrs["autofocus"] = True
        part.form.quiet = True
        out.append(part)
    return out


def wanted(data: QueryDict, kind: str) -> tuple[str, str]:
    """What the pressed button asks of `kind`: ("add", "umbrella"), or two empty strings."""
    for verb in ("add", "remove"):
        value = data.get(verb, "")
        if value.startswith(f"{kind}-"):
            return verb, value.removeprefix(f"{kind}-")
    return "", ""


def is_redraw(data: QueryDict) -> bool:
    """Whether an add or remove button was pressed instead of Save."""
    return bool(data.get("add") or data.get("remove"))
