"""What an import keeps between its preview and its confirmation, and between imports."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models

from quotes.models.fields import DocumentField
from quotes.models.insured import Insured
from quotes.models.sealed_fields import SealedBinaryField

if TYPE_CHECKING:
    from quotes.models.user import User


class ImportDraftQuerySet(models.QuerySet["ImportDraft"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """A draft is its broker's alone: nobody else has confirmed or seen what it holds."""
        if isinstance(user, AnonymousUser) or not user.is_active or not user.is_broker:
            return self.none()
        return self.filter(owner=user)


class ImportDraft(models.Model):
    """What was pasted or dropped, as it came, until it is confirmed or discarded.

    Nothing of it stands among the insureds and quotes yet. It is deleted on confirming, and a
    day after it was made.
    """

    class How(models.TextChoices):
        PASTED = "pasted", "Pasted"
        FILE = "file", "File"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="import_drafts"
    )
    insured = models.ForeignKey(
        Insured,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        help_text="Whose quotes these are, where the table itself names no insured.",
    )
    how = models.CharField(max_length=10, choices=How.choices)
    name = models.CharField(max_length=200, blank=True, help_text="The file's name.")
    raw = SealedBinaryField()
    mapping = DocumentField(
        default=dict, blank=True, help_text="Column number → what it was chosen to be."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ImportDraftQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["created_at"])]

    def __str__(self) -> str:
        return self.name or self.get_how_display()


class ColumnChoice(models.Model):
    """What a broker said a column heading means, where our guess was another."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="column_choices"
    )
    heading = models.CharField(max_length=200, help_text="In lower case, words only.")
    target = models.CharField(max_length=60, blank=True, help_text="Empty: leave it out.")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["heading"]
        constraints = [
            models.UniqueConstraint(name="column_choice_once", fields=["owner", "heading"])
        ]

    def __str__(self) -> str:
        return f"{self.heading} → {self.target or 'left out'}"
