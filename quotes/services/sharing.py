"""Sharing an insured with a colleague: a producer and a service representative work on one
household. It stays its broker's; both edit, compare and decide."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from quotes.models import Deed, Insured, InsuredShare, Role, User
from quotes.models.prepared import prepared
from quotes.models.user import name_of
from quotes.services import audit


class NotShared(Exception):
    """It cannot be shared so; the message says why, to the person."""


def may_share(user: User, insured: Insured) -> bool:
    """Its broker shares it, and who oversees that broker; a colleague passes nothing on."""
    if not user.is_active:
        return False
    if user.sees_all or (user.is_broker and insured.owner_id == user.pk):
        return True
    owner = insured.owner
    return owner is not None and owner.office_id in user.offices_seen


def colleagues(insured: Insured, user: User) -> QuerySet[User]:
    """With whom `user` may share the insured: active brokers of its broker's office, for admins
    of every office; not its broker, and not whom it is shared with already."""
    office = insured.owner.office_id if insured.owner else None
    return _colleagues(insured.pk, office, everywhere=user.sees_all)


class Colleague(NamedTuple):
    """What a select says of a person."""

    pk: int
    first_name: str
    last_name: str
    username: str
    office: str | None

    @property
    def shown_name(self) -> str:
        """As `User.shown_name`."""
        return name_of(self.first_name, self.last_name, self.username)


def listed_colleagues(insured: Insured, user: User) -> list[Colleague]:
    """The same people, to be offered."""
    office = insured.owner.office_id if insured.owner and not user.sees_all else None
    return [Colleague(*row) for row in _listed(insured.pk, office, user.sees_all)]


@prepared
def _listed(insured: UUID, office: int | None, everywhere: bool) -> QuerySet[User, Any]:
    found = _colleagues(insured, office, everywhere=everywhere)
    return found.values_list("pk", "first_name", "last_name", "username", "office__name")


def _colleagues(insured: UUID, office: int | None, *, everywhere: bool) -> QuerySet[User]:
    brokers = User.objects.filter(is_active=True, groups__name=Role.BROKER)
    if not everywhere:
        brokers = brokers.filter(office=office, office__isnull=False)
    shared = InsuredShare.objects.filter(insured=insured).values("user")
    rows = brokers.exclude(insureds=insured).exclude(pk__in=shared).select_related("office")
    return rows.order_by("first_name", "last_name", "username")


@prepared
def shares_of(insured: UUID) -> QuerySet[InsuredShare]:
    return InsuredShare.objects.filter(insured=insured).select_related("user__office", "shared_by")


def _locked(insured: Insured) -> Insured:
    rows = Insured.objects.select_for_update(of=("self",)).select_related("owner")
    return rows.defer("document", "body_document").get(pk=insured.pk)


@transaction.atomic
def share_insured(*, insured: Insured, colleague: User, actor: User) -> InsuredShare:
    """Let a colleague work on the insured as well. A second press finds the first one's share.

    Raises NotShared where the actor may not share it, or not with them: somebody may have left,
    or the insured gone to another broker meanwhile.
    """
    insured = _locked(insured)
    if not may_share(actor, insured):
        raise NotShared("This insured went to another broker meanwhile. Nothing was shared.")
    there = InsuredShare.objects.filter(insured=insured, user=colleague).first()
    if there is not None:
        return there
    if not colleagues(insured, actor).filter(pk=colleague.pk).exists():
        raise NotShared(
            f"{colleague.shown_name} is no active broker of this office now. Nothing was shared."
        )
    share = InsuredShare.objects.create(insured=insured, user=colleague, shared_by=actor)
    audit.record(
        actor=actor,
        deed=Deed.SHARED,
        what=f"Shared with {colleague.username}",
        insured_ref=insured.pk,
        data={"user": colleague.pk},
    )
    return share


@transaction.atomic
def unshare_insured(*, insured: Insured, colleague: User, actor: User) -> bool:
    """Take a share back, or drop one's own; False where there was none any more.

    Raises NotShared where it is neither the actor's to take nor theirs to drop.
    """
    insured = _locked(insured)
    if actor != colleague and not may_share(actor, insured):
        raise NotShared("This insured went to another broker meanwhile. Nothing was changed.")
    deleted, _ = InsuredShare.objects.filter(insured=insured, user=colleague).delete()
    if not deleted:
        return False
    own = actor == colleague
    audit.record(
        actor=actor,
        deed=Deed.SHARED,
        what=f"{colleague.username} dropped the share"
        if own
        else f"No longer shared with {colleague.username}",
        insured_ref=insured.pk,
        data={"user": colleague.pk},
    )
    return True


def share_along(*, old: Insured, new: Insured, actor: User) -> None:
    """A renewal is worked on by the same people; call it in the transaction that makes it."""
    shares = InsuredShare.objects.filter(insured=old, user__is_active=True).select_related("user")
    for share in shares:
        InsuredShare.objects.create(insured=new, user=share.user, shared_by_id=share.shared_by_id)
        audit.record(
            actor=actor,
            deed=Deed.SHARED,
            what=f"Shared with {share.user.username}, as the term before",
            insured_ref=new.pk,
            data={"user": share.user_id},
        )


def end_shares_with(person: User, *, actor: User) -> int:
    """Who leaves works on no colleague's insureds any more; how many those were."""
    shares = InsuredShare.objects.filter(user=person)
    insureds = list(shares.values_list("insured", flat=True))
    shares.delete()
    audit.record_each(
        actor=actor,
        deed=Deed.SHARED,
        what=f"No longer shared with {person.username}, who left",
        insureds={pk: {"user": person.pk} for pk in insureds},
    )
    return len(insureds)
