"""Who leaves and who comes back: nobody is deleted, so that what they did stays theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from quotes.models import Deed, ImportDraft, Insured, ReviewRequest, ReviewState, Run, User
from quotes.services import audit, sharing
from quotes.services.sessions import end_sessions
from quotes.services.transfer import Moved, NotMoved, stated_reason, transfer_insureds

__all__ = [
    "Holding",
    "Moved",
    "NotDone",
    "NotMoved",
    "deactivate",
    "holding_of",
    "reactivate",
    "record_changes",
    "shown",
]


class NotDone(Exception):
    """Nothing was changed; the message says why, to the person."""


@dataclass(frozen=True)
class Holding:
    """What would be left behind: their insureds, the runs of those under way, the requests of
    review that are open on them, and the insureds that colleagues share with them."""

    insureds: int
    under_way: int
    reviews: int
    shared: int


def holding_of(person: User) -> Holding:
    runs = Run.objects.filter(insured__owner=person)
    reviews = ReviewRequest.objects.filter(run__insured__owner=person, state=ReviewState.OPEN)
    return Holding(
        insureds=Insured.objects.filter(owner=person).count(),
        under_way=runs.in_flight().count(),
        reviews=reviews.count(),
        shared=person.insureds_shared.count(),
    )


@transaction.atomic
def deactivate(
    *, person: User, actor: User, reason: str = "", successor: User | None = None
) -> Moved | None:
    """Make somebody inactive: they are signed out now, and no link of theirs works any more.

    Their insureds go to `successor`, or without one stay where they are, for which a reason is
    needed as well. Colleagues' insureds are no longer shared with them, and what they had not
    yet imported is deleted. All of it or nothing. Raises NotDone where the actor was made
    inactive first or somebody did it already, and NotMoved as `transfer_insureds` does.
    """
    _lock(person, actor, successor)
    if not person.is_active:
        raise NotDone(
            f"{person.shown_name} was made inactive a moment ago: another administrator did it, or "
            "the form was sent twice. Nothing more was changed."
        )
    if actor == person:
        raise NotDone("Nobody makes themselves inactive: another administrator does.")
    leaves = Insured.objects.filter(owner=person).exists()
    if successor is not None or leaves:
        reason = stated_reason(reason)
    person.is_active = False
    person.link_made_at = timezone.now()
    person.save(update_fields=["is_active", "link_made_at"])
    _forget_roles(person)
    ImportDraft.objects.filter(owner=person).delete()
    shared = sharing.end_shares_with(person, actor=actor)
    moved = None
    if successor is not None and leaves:
        moved = transfer_insureds(from_user=person, to_user=successor, actor=actor, reason=reason)
    ended = end_sessions(person)
    audit.record(
        actor=actor,
        deed=Deed.ADMINISTERED,
        what=f"Made {person.username} inactive; their insureds "
        + (f"went to {successor.username}" if successor and moved else "stayed as they were"),
        data={
            "user": person.pk,
            "active": [True, False],
            "reason": reason,
            "insureds_moved": len(moved.insureds) if moved else 0,
            "successor": successor.pk if successor and moved else None,
            "shares_ended": shared,
            "sessions_ended": ended,
        },
    )
    return moved


@transaction.atomic
def reactivate(*, person: User, actor: User) -> None:
    """Let somebody in again, with the roles they had. Raises NotDone as `deactivate` does."""
    _lock(person, actor)
    if person.is_active:
        raise NotDone(f"{person.shown_name} is active already.")
    person.is_active = True
    person.save(update_fields=["is_active"])
    _forget_roles(person)
    audit.record(
        actor=actor,
        deed=Deed.ADMINISTERED,
        what=f"Made {person.username} active again",
        data={"user": person.pk, "active": [False, True]},
    )


def _lock(person: User, actor: User, successor: User | None = None) -> None:
    """Lock all of them, in one order, and take over what is stored: two admins who make each
    other inactive at once would leave nobody."""
    wanted = {each.pk for each in (person, actor, successor) if each is not None}
    rows = User.objects.select_for_update().filter(pk__in=wanted).order_by("pk")
    stored = {each.pk: each for each in rows}
    if not stored[actor.pk].is_active:
        raise NotDone("Your own account was made inactive meanwhile. Nothing was changed.")
    person.is_active = stored[person.pk].is_active


def _forget_roles(person: User) -> None:
    """The roles are kept on the object once asked for, and follow being active."""
    for name in ("role_names", "offices_seen"):
        person.__dict__.pop(name, None)


def shown(person: User) -> dict[str, Any]:
    """What administrators set of a person, in words: what an audit entry compares."""
    return {
        "username": person.username,
        "first name": person.first_name,
        "last name": person.last_name,
        "e-mail": person.email,
        "office": person.office.name if person.office else "",
        "roles": sorted(person.groups.values_list("name", flat=True)),
        "oversees": sorted(person.oversees.values_list("name", flat=True)),
        "superuser": person.is_superuser,
    }


def record_changes(*, actor: User, person: User, before: Mapping[str, Any] | None) -> None:
    """Write what an administrator changed of a person, from what to what; `before` is `shown` as
    it was, None for somebody new. Nothing is written where nothing differs."""
    now = shown(person)
    was = before or {}
    changed = {name: [was.get(name), now[name]] for name in now if was.get(name) != now[name]}
    if not changed:
        return
    named = ", ".join(changed)
    audit.record(
        actor=actor,
        deed=Deed.ADMINISTERED,
        what=f"Added the user {person.username}"
        if before is None
        else f"Changed the user {was['username']}: {named}",
        data={"user": person.pk, "changed": changed},
    )
