"""What is said in a review: comments, requests to revisit and for approval, and answers."""

from __future__ import annotations

from typing import Any

from django import forms

from quotes.forms.base import PortalForm
from quotes.forms.fields import TextField
from quotes.services.review.steps import MOST_COMMENT, MOST_WORDS


class WordsField(TextField):
    """Several lines of text. A line's end counts as one character, as it does in the browser."""

    widget = forms.Textarea(attrs={"rows": 3})

    def to_python(self, value: Any) -> Any:
        return super().to_python(value.replace("\r\n", "\n") if isinstance(value, str) else value)


class CommentForm(PortalForm):
    text = WordsField(
        label="Comment",
        max_length=MOST_COMMENT,
        required=True,
        help_text="Whoever sees this run reads it. It stays as written.",
        error_messages={"required": "Write the comment first."},
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="comment_%s")


class RevisitForm(PortalForm):
    """A manager's request to look at a run again."""

    text = WordsField(
        label="What to look at again",
        max_length=MOST_WORDS,
        required=True,
        help_text="The broker finds it in the inbox, and answers here.",
        error_messages={"required": "Write what to look at again."},
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="revisit_%s")


class ApprovalForm(PortalForm):
    """A broker's request for approval of the present choice."""

    text = WordsField(label="Words for the manager", max_length=MOST_WORDS)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="approval_%s")


class AnswerForm(PortalForm):
    """Words with the answer to one request; whether they are needed depends on the answer."""

    text = WordsField(label="Answer", max_length=MOST_WORDS)

    def __init__(self, data: Any = None, *, pk: Any, label: str = "Words with it", hint: str = ""):
        super().__init__(data, auto_id=f"answer_{pk}_%s")
        self.fields["text"].label, self.fields["text"].help_text = label, hint
