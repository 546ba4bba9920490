"""The lines of business that Nexio ranks (guide, "Input fields": coverage_types)."""

from django.db import models


class Line(models.TextChoices):
    HOME = "home", "Home"
    AUTO = "auto", "Auto"
    UMBRELLA = "umbrella", "Umbrella"


LINES: tuple[str, ...] = tuple(Line.values)
LINE_NAMES: dict[str, str] = {value: str(label) for value, label in Line.choices}
"""What each is called. Pages name hundreds: a look into an enumeration costs more than a row."""


class Appetite(models.TextChoices):
    """What the insured weighs most: Nexio's optional `input.appetite_bucket`."""

    BALANCED = "balanced", "Balanced"
    COST = "cost_sensitive", "Cost sensitive"
    COVERAGE = "coverage_first", "Coverage first"
    SIMPLICITY = "simplicity", "Simplicity"
