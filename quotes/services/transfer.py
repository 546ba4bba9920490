"""Insureds go to another broker: one that a manager moves, or all of somebody who leaves."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from quotes.models import Deed, ImportDraft, Insured, InsuredShare, Role, User
from quotes.services import audit, run_facts

MOST_REASON = 500
MOST_AT_ONCE = 5000
"""Ids in one statement; SQLite takes some thirty thousand."""
TRIES = 3


class NotMoved(Exception):
    """Nothing was moved; the message says why, to the person."""


@dataclass(frozen=True)
class Moved:
    """What a transfer did. `apart` are insureds whose household the successor has already, as
    another insured: both stand in their list, and later imports go to the one they had."""

    insureds: list[UUID]
    apart: list[UUID]
    runs: int


def successors(user: User, *, besides: User | None) -> QuerySet[User]:
    """To whom `user` may give insureds: active brokers of the offices they oversee, for admins
    of all; those of `besides`'s office first is the page's to arrange."""
    brokers = User.objects.filter(is_active=True, groups__name=Role.BROKER)
    if not user.sees_all:
        brokers = brokers.filter(office__in=user.offices_seen)
    if besides is not None:
        brokers = brokers.exclude(pk=besides.pk)
    return brokers.select_related("office").order_by("first_name", "last_name", "username")


def may_move(user: User, insured: Insured) -> bool:
    """Admins move every insured, managers those of the brokers they oversee."""
    if not user.is_active:
        return False
    owner = insured.owner
    return user.sees_all or (owner is not None and owner.office_id in user.offices_seen)


def twins(*, from_user: User | None, to_user: User) -> QuerySet[Insured]:
    """The insureds of one that are known by the same key as one of the other's."""
    keys = Insured.objects.filter(owner=to_user).exclude(identity_key="").values("identity_key")
    return Insured.objects.filter(owner=from_user, identity_key__in=keys)


def transfer_insureds(
    *,
    from_user: User | None,
    to_user: User,
    actor: User,
    reason: str,
    insureds: Collection[UUID] | None = None,
) -> Moved:
    """Give insureds of one broker, all of them or the named ones, to another: all or nothing.

    Runs under way go on, and everything that hangs on an insured goes along. Where the successor
    has the household already, the two are kept apart and the one that comes loses the key by
    which an import knows it. To leave it behind would leave it with nobody, and to merge the two
    would mix what was sent, ranked and decided under each; a person who looks at both can tell
    whether they are one. Shares with others stay, and one with the successor ends: it is theirs.
    What the former broker was about to import into them is dropped.

    Raises NotMoved for a successor who is no active broker, where nothing is left to move, or
    one of the named is no longer `from_user`'s.
    """
    reason = stated_reason(reason)
    for left in range(TRIES - 1, -1, -1):
        try:
            with transaction.atomic():
                return _transfer(from_user, to_user, actor, reason, insureds)
        except IntegrityError:
            # The successor brought one of the households in between the look and the write.
            if not left:
                raise
    raise AssertionError("unreachable")


@transaction.atomic
def move_insured(*, insured: Insured, to_user: User | None, actor: User, reason: str) -> None:
    """Give one insured to a broker, or to nobody: then only admins see it. Raises NotMoved."""
    if to_user is not None:
        transfer_insureds(
            from_user=insured.owner,
            to_user=to_user,
            actor=actor,
            reason=reason,
            insureds=[insured.pk],
        )
        return
    reason = stated_reason(reason)
    held = Insured.objects.filter(pk=insured.pk, owner=insured.owner)
    if held.update(owner=None) != 1:
        raise NotMoved("Somebody moved it meanwhile. Nothing was changed; look again.")
    run_facts.owner_changed([insured.pk])
    _audit(insured.owner, None, actor, reason, [insured.pk], set())


def stated_reason(reason: str) -> str:
    reason = " ".join(reason.split())
    if len(reason) < 3:
        raise NotMoved("Say why, in a few words: it stays with the insureds' history.")
    if len(reason) > MOST_REASON:
        raise NotMoved(f"Shorten the reason to {MOST_REASON} characters or fewer.")
    return reason


def _transfer(
    from_user: User | None,
    to_user: User,
    actor: User,
    reason: str,
    named: Collection[UUID] | None,
) -> Moved:
    people = [each.pk for each in (from_user, to_user) if each is not None]
    # In one order, so that two transfers never wait for each other; and nobody is made inactive
    # while they are given insureds.
    locked = User.objects.select_for_update().filter(pk__in=people).order_by("pk")
    successor = next(each for each in list(locked) if each.pk == to_user.pk)
    if not successor.is_broker or to_user == from_user:
        raise NotMoved(f"{to_user.shown_name} is no active broker they could go to.")
    rows = Insured.objects.select_for_update(of=("self",)).filter(owner=from_user).order_by("pk")
    if named is not None:
        rows = rows.filter(pk__in=named)
    held = dict(rows.values_list("pk", "identity_key"))
    if not held or (named is not None and len(held) != len(set(named))):
        raise NotMoved("Somebody moved them meanwhile. Nothing was changed; look again.")
    known = set(
        Insured.objects.filter(owner=to_user)
        .exclude(identity_key="")
        .values_list("identity_key", flat=True)
    )
    apart = [pk for pk, key in held.items() if key in known]
    kept = [pk for pk, key in held.items() if key not in known]
    for chunk in _chunks(kept):
        Insured.objects.filter(pk__in=chunk).update(owner=to_user)
    for chunk in _chunks(apart):
        Insured.objects.filter(pk__in=chunk).update(owner=to_user, identity_key="")
    runs = 0
    for chunk in _chunks(list(held)):
        InsuredShare.objects.filter(insured__in=chunk, user=to_user).delete()
        if from_user is not None:
            ImportDraft.objects.filter(insured__in=chunk, owner=from_user).delete()
        runs += run_facts.owner_changed(chunk)
    _audit(from_user, to_user, actor, reason, list(held), set(apart))
    return Moved(list(held), apart, runs)


def _chunks(pks: list[UUID]) -> list[list[UUID]]:
    return [pks[start : start + MOST_AT_ONCE] for start in range(0, len(pks), MOST_AT_ONCE)]


def _audit(
    from_user: User | None,
    to_user: User | None,
    actor: User,
    reason: str,
    pks: list[UUID],
    apart: set[UUID],
) -> None:
    was = "nobody" if from_user is None else from_user.username
    data = {
        "from": None if from_user is None else from_user.pk,
        "to": None if to_user is None else to_user.pk,
        "reason": reason,
    }
    audit.record_each(
        actor=actor,
        deed=Deed.ADMINISTERED,
        what=f"Broker: {was} → {'nobody' if to_user is None else to_user.username}",
        insureds={
            pk: data | ({"kept_apart_from_same_household": True} if pk in apart else {})
            for pk in pks
        },
    )
