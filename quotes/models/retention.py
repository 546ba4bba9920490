"""What must stay, what went when its time was over, and the pass that lets it go."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q

from quotes.models.append_only import AppendOnlyModel, AppendOnlyQuerySet
from quotes.models.fields import DocumentField
from quotes.models.insured import Insured
from quotes.models.sealed_fields import SealedTextField


class LegalHold(models.Model):
    """While it stands, nothing of the insured is purged, whatever its age."""

    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, related_name="holds")
    reason = SealedTextField()
    placed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    placed_at = models.DateTimeField()
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)
    lift_reason = SealedTextField(blank=True)

    class Meta:
        ordering = ["-placed_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                name="hold_one_standing", fields=["insured"], condition=Q(lifted_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"Legal hold on {self.insured_id}"


class Tombstone(AppendOnlyModel):
    """What was purged: when, by which rule, how many rows, and the digests of what they held.

    It names nobody. `insured_ref` is the id that was, so that an audit entry still finds it.
    """

    insured_ref = models.UUIDField(unique=True)
    purged_at = models.DateTimeField()
    purged_by = models.CharField(max_length=150, help_text="Who ran the purge.")
    rule = models.CharField(max_length=300)
    last_touched_at = models.DateTimeField()
    counts = DocumentField(default=dict)
    digests = DocumentField(default=dict)

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        ordering = ["-purged_at", "-id"]

    def __str__(self) -> str:
        return f"Tombstone of {self.insured_ref}"


AUDIT_TERM = UUID(int=0)
"""The pass for entries of the access log past their own term: an id that no row has."""


RESEALING = UUID(int=1)
"""The pass under which sealed columns of history may be written anew, by another key: no row has
this id, so nothing may go by it."""


class PurgePass(models.Model):
    """Stands only inside a purge's transaction: while it does, history of its row may go.

    The triggers that keep history look for it, by the id of the run or proposal that a row
    belongs to. The application's own database role cannot write it, so only whoever runs the
    purge with the owner's role deletes history, and not even they what is younger than the law's
    term.
    """

    ref = models.UUIDField(primary_key=True)

    def __str__(self) -> str:
        return str(self.ref)
