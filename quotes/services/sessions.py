"""Sessions that end before their time: of who left, has a new password, or says so."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from quotes.models import Deed, OpenSession, User
from quotes.models.open_session import digest_of
from quotes.services import audit
from quotes.services.transfer import stated_reason


def open_sessions(person: User) -> list[OpenSession]:
    """Where the person is signed in, the place used last first; their data are not read."""
    return list(_going_on(person).defer("session_data").order_by("-used_at"))


def end_sessions(person: User, keep: str | None = None) -> int:
    """Delete the person's sessions, but for the one whose key is `keep`; how many still went on."""
    rows = OpenSession.objects.filter(user=person)
    if keep:
        rows = rows.exclude(pk=digest_of(keep))
    ended: int = _going_on(person).filter(pk__in=rows.values("pk")).count()
    rows.delete()
    return ended


def _going_on(person: User) -> Any:
    """Those that neither limit has ended; the row of one that is over stays until it is shown
    again, or cleared away."""
    now = timezone.now()
    return (
        OpenSession.objects.filter(user=person, expire_date__gt=now)
        .exclude(used_at__lte=now - timedelta(minutes=settings.SESSION_IDLE_MINUTES))
        .exclude(signed_in_at__lte=now - timedelta(hours=settings.SESSION_HOURS))
    )


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
