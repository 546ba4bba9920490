"""What a check of ours says: its outcome in a few words, why, and what was compared."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    FINE = "fine"
    WARNING = "warning"
    UNKNOWN = "unknown"


class Check(NamedTuple):
    """One check: its outcome in a few words, why, and what was compared.

    `closed` is what no carrier would bind any more: it goes before all else.
    """

    code: str
    outcome: Outcome
    words: str
    details: Sequence[str] = ()
    compared: str = ""
    closed: bool = False
