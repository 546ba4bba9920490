"""Who saw, changed, exported or decided what on an insured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self
from uuid import UUID

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


class OverseenQuerySet(AppendOnlyQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Managers read what concerns their offices' insureds, admins all; brokers read none."""
        if isinstance(user, AnonymousUser) or not user.is_active or not user.sees_others:
            return self.none()
        if user.sees_all:
            return self
        return self.filter(insured_ref__in=Insured.objects.visible_to(user).values("pk"))


class AuditEventQuerySet(OverseenQuerySet):
    def about(self, insured: UUID, user: User) -> Self:
        """What was done on the insured, and the exports of lists that its runs were in, of which
        `user` may read. Each half goes by an index of the insured."""
        own = self.visible_to(user).filter(insured_ref=insured).order_by().values("pk")
        listed = ExportPart.objects.visible_to(user).filter(insured_ref=insured)
        return self.filter(pk__in=own.union(listed.order_by().values("event")))


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
            models.Index(name="audit_deed", fields=["deed", "-id"]),
            models.Index(name="audit_time", fields=["at"]),
            models.Index(name="audit_lately", fields=["actor", "insured_ref", "at"]),
        ]
        constraints = [
            models.CheckConstraint(name="audit_deed_known", condition=Q(deed__in=Deed.values)),
        ]

    def __str__(self) -> str:
        return self.what


class ExportPart(AppendOnlyModel):
    """What the export of a list took along: a row for each insured in it, written before the
    insured's runs leave, and at the end one without an insured that says how it ended.

    Without that last row the export was cut down with its process: what is noted may have left.
    """

    event = models.ForeignKey(
        AuditEvent, on_delete=models.PROTECT, related_name="parts", db_index=False
    )
    at = models.DateTimeField()
    insured_ref = models.UUIDField(null=True, blank=True)
    rows = models.PositiveIntegerField(
        null=True, blank=True, help_text="Runs written; of one that was broken off the most."
    )
    complete = models.BooleanField(null=True, blank=True)

    objects = OverseenQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(name="export_insured", fields=["insured_ref", "event"])]
        constraints = [
            models.UniqueConstraint(name="export_once", fields=["event", "insured_ref"]),
            models.UniqueConstraint(
                name="export_one_end", fields=["event"], condition=Q(insured_ref__isnull=True)
            ),
            models.CheckConstraint(
                name="export_insured_or_end",
                condition=Q(insured_ref__isnull=False, rows__isnull=True, complete__isnull=True)
                | Q(insured_ref__isnull=True, rows__isnull=False, complete__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Part of export {self.event_id}"
