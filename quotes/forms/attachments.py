"""The form that takes files in; what is in them is judged by `services.attachments`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from quotes.forms.base import PortalForm

ACCEPTED = "application/pdf,image/png,image/jpeg,.pdf,.png,.jpg,.jpeg"
MOST_AT_ONCE = 20


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One file or several. An empty file passes: the service says which one it was."""

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        files = [each for each in data or [] if isinstance(each, UploadedFile)]
        if not files:
            raise forms.ValidationError("Choose a file first: a PDF, or a PNG or JPEG picture.")
        if len(files) > MOST_AT_ONCE:
            raise forms.ValidationError(f"Choose at most {MOST_AT_ONCE} files at a time.")
        return files


class AttachmentForm(PortalForm):
    chosen = FilesField(
        widget=FilesInput(attrs={"accept": ACCEPTED}),
        label="Files",
        help_text="PDF, PNG or JPEG; 20 MB each at most.",
    )
    quote = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def stated_files(self) -> Sequence[UploadedFile[Any]]:
        """The files of a valid form."""
        return list(self.cleaned_data["chosen"])
