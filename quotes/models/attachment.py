"""Carriers' PDFs and dec pages, kept with an insured or with one of its quotes."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.files.storage import FileSystemStorage
from django.db import models

from quotes.models.insured import Insured
from quotes.models.quote import Quote

if TYPE_CHECKING:
    from quotes.models.user import User


class AttachmentStorage(FileSystemStorage):
    """A folder outside everything a web server hands out, named by the settings at each use."""

    @property
    def base_location(self) -> str:
        return str(settings.ATTACHMENTS_DIR)

    @property
    def location(self) -> str:
        return str(Path(self.base_location).resolve())


def attachment_storage() -> FileSystemStorage:
    """Read only through a page that asks who it is; readable by the app's own account alone."""
    return AttachmentStorage(
        base_url=None,
        file_permissions_mode=0o600,
        directory_permissions_mode=0o700,
    )


def attachment_path(attachment: Attachment, name: str) -> str:
    """By its id alone: a file name may hold a person's."""
    return f"{attachment.pk.hex[:2]}/{attachment.pk.hex}"


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """An attachment is seen by whoever sees its insured."""
        return self.filter(insured__in=Insured.objects.visible_to(user))

    def editable_by(self, user: User | AnonymousUser) -> Self:
        return self.filter(insured__in=Insured.objects.editable_by(user))


class Attachment(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, related_name="attachments")
    quote = models.ForeignKey(
        Quote, on_delete=models.SET_NULL, null=True, blank=True, related_name="attachments"
    )
    name = models.CharField(max_length=200, help_text="As the file was called.")
    content_type = models.CharField(max_length=60)
    size = models.PositiveIntegerField(help_text="Bytes.")
    sha256 = models.CharField(max_length=64, editable=False)
    file = models.FileField(storage=attachment_storage, upload_to=attachment_path, max_length=100)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    added_at = models.DateTimeField(auto_now_add=True)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        ordering = ["added_at", "id"]
        constraints = [
            models.UniqueConstraint(
                name="attachment_once_per_insured", fields=["insured", "sha256"]
            )
        ]

    def __str__(self) -> str:
        return self.name
