"""What a broker chooses before a comparison: lines, and what the insured weighs most."""

from __future__ import annotations

from django import forms

from quotes.forms.base import PortalForm
from quotes.models import Insured, Line
from quotes.models.lines import Appetite

APPETITES = (
    (Appetite.BALANCED, "Neither price nor breadth leads"),
    (Appetite.COST, "Price before breadth"),
    (Appetite.COVERAGE, "Breadth and limits before price"),
    (Appetite.SIMPLICITY, "Fewer carriers, fewer bills"),
)


AS_IMPORTED = "as_imported"
"""The choice to leave what the imported document says, or its silence."""


class StartForm(PortalForm):
    coverage_types = forms.MultipleChoiceField(
        label="Lines every package must hold",
        required=False,  # readiness says it, beside what else blocks
        choices=Line.choices,
        error_messages={"invalid_choice": "Choose among home, auto and umbrella."},
    )
    appetite = forms.ChoiceField(
        choices=[*Appetite.choices, (AS_IMPORTED, "As imported")],
        error_messages={
            "required": "Choose an appetite.",
            "invalid_choice": "Choose one of the appetites offered.",
        },
    )

    def clean_appetite(self) -> str:
        """Empty for what leaves the document as it is."""
        chosen = str(self.cleaned_data["appetite"])
        return "" if chosen == AS_IMPORTED else chosen


def appetite_cards(insured: Insured, chosen: str) -> list[tuple[str, str, str, bool]]:
    """What to choose among: value, title, text, and whether it is the one chosen.

    To leave the document alone is offered, and chosen at first (`chosen` is then empty), where
    it states no appetite or one that is not among ours: that one is sent back as it came.
    """
    stated = insured.document.get("appetite_bucket")
    cards = [(value.value, str(value.label), text) for value, text in APPETITES]
    known = isinstance(stated, str) and stated in Appetite.values
    if stated in (None, ""):
        cards.append((AS_IMPORTED, "Not stated", "Nexio is told nothing about it"))
    elif not known:
        words = stated if isinstance(stated, str) else "in a form of its own"
        cards.append((AS_IMPORTED, "As imported", f"Sent as the document says it: {words[:60]}"))
    chosen = chosen or (str(stated) if known else AS_IMPORTED)
    return [(*card, card[0] == chosen) for card in cards]
