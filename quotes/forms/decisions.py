"""What a person says about a decision: a choice, what was shown, an answer, a proposal's notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from quotes.forms.base import PortalForm
from quotes.forms.fields import DayField, Uncut
from quotes.models import LINES, DecisionKind, How, Line, Solution
from quotes.services.decision_step import BoundPolicy, Said
from quotes.services.decision_words import package_name
from quotes.services.doubts import same_words
from quotes.services.money import dollars_between

K = DecisionKind
ON, HOW, PACKAGES, PACKAGE, REASON, NOTE, LINE = (
    "on", "how", "packages", "package", "reason", "note", "line",
)  # fmt: skip
ASKED: Mapping[str, Mapping[str, bool]] = {
    K.SHOWN: {PACKAGES: True, ON: True, HOW: True, NOTE: False},
    K.ACCEPTED: {ON: True, HOW: False, NOTE: False},
    K.DECLINED: {ON: True, REASON: True, HOW: False},
    K.BOUND: {ON: True, NOTE: False},
    K.OPTION_DECLINED: {PACKAGE: True, ON: True, REASON: False},
    K.LIMITS_OFFERED: {LINE: True, ON: True, NOTE: True, HOW: False},
    K.LIMITS_REJECTED: {LINE: True, ON: True, NOTE: True, REASON: False},
    K.REOPENED: {REASON: True},
}
"""What each step asks, in this order, and whether it must be answered."""
LABELS: Mapping[tuple[str, str], str] = {
    (K.SHOWN, ON): "Shown on",
    (K.ACCEPTED, ON): "Accepted on",
    (K.DECLINED, ON): "Declined on",
    (K.DECLINED, REASON): "Why the insured declined",
    (K.BOUND, ON): "Bound on",
    (K.OPTION_DECLINED, ON): "Declined on",
    (K.OPTION_DECLINED, REASON): "Why, as the insured said",
    (K.LIMITS_OFFERED, ON): "Offered on",
    (K.LIMITS_OFFERED, NOTE): "Limits offered",
    (K.LIMITS_REJECTED, ON): "Rejected on",
    (K.LIMITS_REJECTED, NOTE): "Limits rejected",
    (K.LIMITS_REJECTED, REASON): "Why, as the insured said",
}
HINTS: Mapping[tuple[str, str], str] = {
    (K.LIMITS_OFFERED, NOTE): "Such as: auto 500 CSL instead of 250/500",
    (K.LIMITS_REJECTED, NOTE): "Such as: umbrella of $2M and $3M; the insured keeps $1M",
}


def package_words(solution: Solution) -> str:
    """ "Rank 2: Harbor Mutual, Northgate, $11,615"."""
    carriers = ", ".join(solution.carriers)[:120]
    cost = dollars_between(solution.est_cost_low, solution.est_cost_high)
    return f"{package_name(solution).capitalize()}: {carriers}, {cost}"


class PackagesField(forms.MultipleChoiceField):
    """Packages by their position in the reply."""

    widget = forms.CheckboxSelectMultiple

    def __init__(
        self, solutions: Sequence[Solution], marks: Mapping[int, str] | None = None, **kwargs: Any
    ) -> None:
        """`marks` say beside a package, by its position, what was decided of it."""
        choices = []
        for each in solutions:
            mark = (marks or {}).get(each.position)
            choices.append(
                (str(each.position), package_words(each) + (f" ({mark})" if mark else ""))
            )
        super().__init__(choices=choices, **kwargs)


class ReasonField(Uncut):
    def __init__(self, **kwargs: Any) -> None:
        messages = {
            "required": "Write the reason: it is kept in the history.",
            "min_length": "Write at least 3 characters.",
            "max_length": "Keep it to 500 characters; it has %(show_value)d.",
        }
        super().__init__(min_length=3, max_length=500, error_messages=messages, **kwargs)


class VersionedForm(PortalForm):
    """A form that knows from which state of the decision it was drawn.

    `doubts` are said beside a box that must be ticked (see `decision_step.NotConfirmed`).
    """

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    doubts = ""

    @property
    def doubts_ticked(self) -> bool:
        """Whether these very doubts were confirmed: a form that comes back keeps its tick."""
        return bool(self.doubts) and same_words(str(self.data.get("confirmed", ""))) == self.doubts


class ChooseForm(VersionedForm):
    """Choosing a package: why, and that a doubtful price is chosen knowingly."""

    reason = ReasonField(
        label="Why this package",
        required=False,
        help_text="Kept in the history and in the E&O file.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(
        self, data: Any = None, *, must_say_why: bool, version: int, doubts: str = ""
    ) -> None:
        super().__init__(data, initial={"version": version})
        self.doubts = doubts
        self.fields["reason"].required = must_say_why
        if must_say_why and data is None:
            self.fields["reason"].widget.attrs["autofocus"] = True


class StepForm(VersionedForm):
    """One step of a decision after the choice; see `ASKED`."""

    def __init__(
        self,
        data: Any = None,
        *,
        kind: str,
        version: int,
        solutions: Sequence[Solution] = (),
        ticked: Sequence[int] = (),
        doubts: str = "",
        lines: Sequence[str] = (),
    ) -> None:
        """`solutions` are those the step may be about; `ticked` positions begin chosen; of each
        of `lines` it asks what was bound."""
        initial = {
            "version": version,
            PACKAGES: [str(position) for position in ticked],
            ON: timezone.localdate(),
        }
        super().__init__(data, auto_id=f"{kind}_%s", initial=initial)
        self.kind = kind
        self.doubts = doubts
        for name, required in ASKED[kind].items():
            field = _field(name, required, solutions)
            field.label = LABELS.get((kind, name), field.label)
            field.help_text = HINTS.get((kind, name), field.help_text)
            self.fields[name] = field
        self.lines = lines
        for line in lines:
            label = Line(line).label
            self.fields[f"effective_{line}"] = DayField(label=f"{label}: effective")
            self.fields[f"number_{line}"] = forms.CharField(
                label=f"{label}: policy or binder number",
                required=False,
                max_length=60,
                error_messages={"max_length": "Keep the number to 60 characters."},
            )
        if lines:
            self.order_fields([ON, *(name for name in self.fields if name not in {ON, NOTE}), NOTE])

    def said(self) -> Said:
        given = self.cleaned_data
        bound = (
            BoundPolicy(line, given.get(f"effective_{line}"), given.get(f"number_{line}") or "")
            for line in self.lines
        )
        return Said(
            on=given.get(ON),
            how=given.get(HOW) or "",
            reason=given.get(REASON) or "",
            note=given.get(NOTE) or "",
            line=given.get(LINE) or "",
            bound=tuple(each for each in bound if each),
        )


def _field(name: str, required: bool, solutions: Sequence[Solution]) -> forms.Field:
    if name == ON:
        field: forms.Field = DayField(required=required, label="Day")
        field.error_messages["required"] = "Write the day it happened."
        return field
    if name == HOW:
        choices = [("", "Choose" if required else "Not stated"), *How.choices]
        field = forms.ChoiceField(required=required, label="How", choices=choices)
        field.error_messages["required"] = "Choose how."
        return field
    if name == PACKAGES:
        field = PackagesField(solutions, required=required, label="Packages shown")
        field.error_messages["required"] = "Tick the packages that were shown."
        return field
    if name == PACKAGE:
        named = [(str(each.position), package_words(each)) for each in solutions]
        choices = [("", "Choose"), *named]
        field = forms.ChoiceField(required=required, label="Package", choices=choices)
        field.error_messages["required"] = "Choose the package."
        return field
    if name == LINE:
        choices = [("", "Choose"), *((line, Line(line).label) for line in LINES)]
        field = forms.ChoiceField(required=required, label="Line", choices=choices)
        field.error_messages["required"] = "Choose the line."
        return field
    if name == REASON:
        return ReasonField(required=required, label="Reason")
    return forms.CharField(
        required=required,
        label="Note",
        min_length=3,
        max_length=1000,
        error_messages={
            "required": "Write which limits.",
            "min_length": "Write at least 3 characters.",
            "max_length": "Keep it to 1,000 characters.",
        },
    )


class ProposalForm(PortalForm):
    """Which packages a proposal shows, and what the broker writes with it."""

    notes = forms.CharField(
        label="Notes for the insured",
        required=False,
        max_length=4000,
        help_text="Set at the head of the proposal, in your words. Plain text; a line is a "
        "paragraph.",
        widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={"max_length": "Keep the notes to 4,000 characters."},
    )

    def __init__(
        self,
        data: Any = None,
        *,
        solutions: Sequence[Solution],
        ticked: Sequence[int],
        fewest: int,
        most: int,
        notes: str = "",
        marks: Mapping[int, str] | None = None,
    ) -> None:
        initial = {"packages": [str(position) for position in ticked], "notes": notes}
        super().__init__(data, initial=initial)
        self.fewest, self.most = fewest, most
        self.fields["packages"] = PackagesField(solutions, marks, label="Packages side by side")
        self.fields["packages"].error_messages["required"] = self._wrong(0)
        self.order_fields(["packages", "notes"])

    def clean_packages(self) -> list[int]:
        picked = [int(position) for position in self.cleaned_data["packages"]]
        if not self.fewest <= len(picked) <= self.most:
            raise ValidationError(self._wrong(len(picked)))
        return picked

    def _wrong(self, count: int) -> str:
        if self.fewest == 1:
            return "Tick the package."
        return f"Tick two to four packages; {count} {'is' if count == 1 else 'are'} ticked."
