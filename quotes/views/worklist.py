"""The first page: what is under way, what needs a person, what came of it lately."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from quotes.services import worklist as work
from quotes.services.inbox import waiting_count
from quotes.views.access import PortalRequest
from quotes.views.fragments import refreshing

LOOKED_BACK, LOOKED_AHEAD = timedelta(days=29), timedelta(days=6)


@require_safe
@refreshing(page="quotes:worklist")
def worklist(request: PortalRequest) -> HttpResponse:
    """A broker's own work; for managers and admins the office's runs, which they only read.

    Who is both has the office's runs and their own insureds.
    """
    now = timezone.now()
    user = request.user
    found = work.read_work(user, now)
    shown: dict[str, Any] = {
        "now": now,
        "own_pk": user.pk,
        "own": user.is_broker,
        "office": user.sees_others,
        "sees_all": user.sees_all,
        "under_way": found.under_way[: work.MOST_UNDER_WAY],
        "more_under_way": len(found.under_way) > work.MOST_UNDER_WAY,
        "needing": found.needing[: work.MOST_NEEDING],
        "more_needing": len(found.needing) > work.MOST_NEEDING,
        "recent": found.recent,
        "first": found.first,
        "insureds": found.insureds,
        "insured_count": found.insured_count,
        "expiring": found.expiring[: work.MOST_EXPIRING],
        "more_expiring": len(found.expiring) > work.MOST_EXPIRING,
        "in_sandbox": settings.NEXIO_IS_SANDBOX,
        "asked": waiting_count(user),
        "to_review": _to_review(timezone.localdate(now)) if user.sees_others else [],
    }
    context = {
        "shown": shown,
        "role_missing": not user.sees_others and not user.is_broker,
        "nothing_yet": not user.sees_others and not found.insured_count,
    }
    return render(request, "quotes/worklist.html", context)


def _to_review(today: date) -> list[dict[str, str]]:
    """What whoever reviews looks for most, as the list's own filters; nothing is counted here."""
    since, until = (today - LOOKED_BACK).isoformat(), (today + LOOKED_AHEAD).isoformat()
    undecided = {"decision": "undecided", "expires_since": today.isoformat()}
    lists: dict[str, dict[str, str]] = {
        "Undecided, a price ends within 7 days": {**undecided, "expires_until": until},
        "Not Nexio's first rank, last 30 days": {"overridden": "yes", "since": since},
        "Went wrong": {"state": "needs_person"},
    }
    return [
        {"words": words, "codes": urlencode({"all": "1", **codes})}
        for words, codes in lists.items()
    ]
