"""Who saw, changed, exported or decided what on an insured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from quotes.models.append_only import AppendOnlyModel, AppendOnlyQuerySet
from quotes.models.insured import Insured
from quotes.models.sealed_fields import SealedDocumentField

if TYPE_CHECKING:
    from quotes.models.user import User


class Deed(models.TextChoices):
    """What was done, as an auditor sorts it."""

    VIEWED = "viewed", "Viewed"
    CHANGED = "changed", "Changed"
    EXPORTED = "exported", "Exported"
    DECIDED = "decided", "Decided"
    SHARED = "shared", "Shared"
    ADMINISTERED = "administered", "Administered"
    SIGNED_IN = "signed_in", "Signed in"
    PURGED = "purged", "Purged"
    REFUSED = "refused", "Refused"


class AuditEventQuerySet(AppendOnlyQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Managers read what concerns their offices' insureds, admins all; brokers read none."""
        if isinstance(user, AnonymousUser) or not user.is_active or not user.sees_others:
            return self.none()
        if user.sees_all:
            return self
        return self.filter(insured_ref__in=Insured.objects.visible_to(user).values("pk"))


class AuditEvent(AppendOnlyModel):
    """One act. The insured and the run are plain ids, so that the entry outlives a purge.

    The application's own database role may add rows and read them, and nothing else.
    """

    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Nobody for what the app or a command did by itself.",
    )
    deed = models.CharField(max_length=20, choices=Deed.choices)
    what = models.CharField(max_length=300)
    insured_ref = models.UUIDField(null=True, blank=True)
    run_ref = models.UUIDField(null=True, blank=True)
    data = SealedDocumentField(default=dict, blank=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(name="audit_insured", fields=["insured_ref", "-id"]),
            models.Index(name="audit_run", fields=["run_ref", "-id"]),
            models.Index(name="audit_actor", fields=["actor", "-id"]),
            models.Index(name="audit_time", fields=["at"]),
            models.Index(name="audit_lately", fields=["actor", "insured_ref", "at"]),
        ]
        constraints = [
            models.CheckConstraint(name="audit_deed_known", condition=Q(deed__in=Deed.values)),
        ]

    def __str__(self) -> str:
        return self.what
