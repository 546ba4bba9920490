"""Sessions that end before their time: of who left, and of who has a new password."""

from __future__ import annotations

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils import timezone

from quotes.models import User


def end_sessions(person: User, keep: str | None = None) -> int:
    """Delete the person's open sessions, but for the one whose key is `keep`; how many went.

    A session says whose it is only inside, so all that are open are read: a few for each person
    of the agency.
    """
    rows = Session.objects.filter(expire_date__gt=timezone.now())
    theirs = [
        row.pk
        for row in rows.iterator()
        if row.pk != keep and str(row.get_decoded().get(SESSION_KEY)) == str(person.pk)
    ]
    Session.objects.filter(pk__in=theirs).delete()
    return len(theirs)
