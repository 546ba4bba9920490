"""What is pasted or dropped to be imported."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from quotes.forms.base import PortalForm
from quotes.services.reading import MOST_BYTES

TOO_LARGE = (
    "It is larger than 5 MB, which is thousands of quotes. Nothing was read; import a part of it "
    "at a time."
)


class ImportForm(PortalForm):
    """Cells or JSON as text, or a file: one of the two."""

    text = forms.CharField(
        label="Paste",
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={
                "rows": 9,
                "class": "mono",
                "spellcheck": "false",
                "autocomplete": "off",
                "autofocus": True,
                "wrap": "off",
            }
        ),
        error_messages={
            "null_characters_not_allowed": (
                "It holds a character that is not text (NUL). Copy the cells themselves again."
            )
        },
    )
    file = forms.FileField(
        label="Or drop a file",
        required=False,
        allow_empty_file=True,
        max_length=200,
        widget=forms.FileInput(attrs={"accept": ".xlsx,.csv,.tsv,.txt,.json", "class": "drop"}),
        error_messages={
            "max_length": "Its name is longer than 200 characters. Rename it.",
            "invalid": "The file did not arrive. Choose it again.",
        },
    )

    def clean_text(self) -> str:
        text = str(self.cleaned_data["text"])
        if len(text) > MOST_BYTES or len(text.encode()) > MOST_BYTES:
            raise forms.ValidationError(TOO_LARGE)
        return text if text.strip() else ""

    def clean_file(self) -> UploadedFile[bytes] | None:
        file: UploadedFile[bytes] | None = self.cleaned_data["file"]
        if file and (file.size or 0) > MOST_BYTES:
            raise forms.ValidationError(TOO_LARGE)
        return file or None

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors:
            text, file = values.get("text"), values.get("file")
            if text and file is not None:
                raise forms.ValidationError(
                    "There is pasted text and a file. Take one of them out: one is imported."
                )
            if not text and file is None:
                self.add_error("text", "Paste the cells or the JSON here, or choose a file.")
        return values
