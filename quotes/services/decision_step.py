"""What a person says with a step of a decision, and what a step is refused with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from quotes.services.comparison import line_word
from quotes.services.money import day_words


class NotPossible(Exception):
    """The step cannot be taken now; the text says why and what can."""


class ChangedMeanwhile(NotPossible):
    """Something else was recorded since the page was opened."""


class ReasonNeeded(NotPossible):
    """The step is kept with a reason, and none was given."""


class NotConfirmed(NotPossible):
    """Prices of the package are gone or were never quoted; `words` is what must be confirmed."""

    def __init__(self, words: str, step: str) -> None:
        super().__init__(f"{words}. Confirm below that it is {step} all the same, or run again.")
        self.words = words


@dataclass(frozen=True)
class BoundPolicy:
    """What a carrier bound of one line: from which day, under which policy or binder number.

    Either may not be known yet: None and "".
    """

    line: str
    effective: date | None = None
    number: str = ""

    def __bool__(self) -> bool:
        return self.effective is not None or bool(self.number.strip())

    @property
    def words(self) -> str:
        """ "Home: effective Dec 1, 2026, policy or binder H-123"; what is not stated says so."""
        day = day_words(self.effective) if self.effective else "date not stated"
        number = " ".join(self.number.split()) or "number not stated"
        return f"{line_word(self.line).capitalize()}: effective {day}, policy or binder {number}"


@dataclass(frozen=True)
class Said:
    """What a person says with a step: the day it happened, by what way, why, and a note.

    `bound` are the policies of a package that was bound, line by line.
    """

    on: date | None = None
    how: str = ""
    reason: str = ""
    note: str = ""
    line: str = ""
    bound: tuple[BoundPolicy, ...] = ()

    @property
    def kept_note(self) -> str:
        """The note as the event keeps it: a line for each policy that was bound, then the note."""
        lines = [each.words for each in self.bound if each]
        return "\n".join([*lines, self.note.strip()]).strip()
