"""Legal holds: while one stands, nothing of its insured is purged, whatever its age."""

from __future__ import annotations

from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from quotes.models import Deed, Insured, LegalHold, User
from quotes.models.prepared import prepared
from quotes.services.audit import record


class NotPossible(Exception):
    """The hold stands already, or does not; the message says it to a person."""


def standing_hold(insured: UUID) -> LegalHold | None:
    return next(iter(_standing(insured)), None)


@prepared
def _standing(insured: UUID) -> QuerySet[LegalHold]:
    rows = LegalHold.objects.filter(insured=insured, lifted_at__isnull=True)
    return rows.select_related("placed_by").order_by("pk")[:1]


def place_hold(*, insured: Insured, actor: User, reason: str) -> LegalHold:
    """Place a hold. Raises NotPossible where one stands."""
    now = timezone.now()
    try:
        with transaction.atomic():
            hold = LegalHold.objects.create(
                insured=insured, reason=reason, placed_by=actor, placed_at=now
            )
            record(
                actor=actor, deed=Deed.ADMINISTERED, what="Placed a legal hold",
                insured_ref=insured.pk, data={"hold": hold.pk, "reason": reason}, at=now,
            )  # fmt: skip
    except IntegrityError:
        raise NotPossible("This insured is on legal hold already; nothing was changed.") from None
    return hold


def lift_hold(*, insured: Insured, actor: User, reason: str) -> None:
    """Lift the standing hold. Raises NotPossible where none stands."""
    now = timezone.now()
    with transaction.atomic():
        hold = LegalHold.objects.filter(insured=insured, lifted_at__isnull=True).first()
        lifted = hold and LegalHold.objects.filter(pk=hold.pk, lifted_at__isnull=True).update(
            lifted_by=actor, lifted_at=now, lift_reason=reason
        )
        if hold is None or not lifted:
            raise NotPossible("This insured is not on legal hold; nothing was changed.")
        record(
            actor=actor, deed=Deed.ADMINISTERED, what="Lifted a legal hold",
            insured_ref=insured.pk, data={"hold": hold.pk, "reason": reason}, at=now,
        )  # fmt: skip
