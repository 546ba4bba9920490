"""Sessions that end before their time: of who left, has a new password, or says so."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from quotes.models import Deed, OpenSession, User
from quotes.models.open_session import digest_of
from quotes.services import audit
from quotes.services.transfer import stated_reason


def open_sessions(person: User) -> list[OpenSession]:
    """Where the person is signed in, the place used last first; their data are not read."""
    rows = OpenSession.objects.filter(user=person, expire_date__gt=timezone.now())
    return list(rows.defer("session_data").order_by("-used_at"))


def end_sessions(person: User, keep: str | None = None) -> int:
    """Delete the person's open sessions, but for the one whose key is `keep`; how many went."""
    rows = OpenSession.objects.filter(user=person, expire_date__gt=timezone.now())
    if keep:
        rows = rows.exclude(pk=digest_of(keep))
    return int(rows.delete()[0])


def clear_expired(now: datetime) -> int:
    """Delete the rows of sessions that ended by themselves, which let nobody in; how many."""
    return int(OpenSession.objects.filter(expire_date__lt=now).delete()[0])


@transaction.atomic
def sign_out_others(person: User, *, keep: str | None) -> int:
    """The person signs out everywhere but where they are; how many sessions that ended."""
    ended = end_sessions(person, keep=keep)
    if ended:
        audit.record(
            actor=person, deed=Deed.ADMINISTERED, what="Signed out everywhere else",
            data={"user": person.pk, "sessions_ended": ended},
        )  # fmt: skip
    return ended


@transaction.atomic
def sign_out_person(*, person: User, actor: User, reason: str) -> int:
    """An administrator signs the person out everywhere. Raises NotMoved without a real reason."""
    reason = stated_reason(reason)
    ended = end_sessions(person)
    audit.record(
        actor=actor, deed=Deed.ADMINISTERED, what=f"Signed {person.username} out everywhere",
        data={"user": person.pk, "reason": reason, "sessions_ended": ended},
    )  # fmt: skip
    return ended
