"""The inbox: what others ask of a person, what they asked, and notices of their runs."""

from __future__ import annotations

import re

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from quotes.models import Notice
from quotes.services import inbox as services
from quotes.views.access import PortalRequest

PLACE = re.compile(r"[0-9]{1,18}", re.ASCII)


@require_safe
def inbox(request: PortalRequest) -> HttpResponse:
    given = request.GET.get("before", "")
    before = int(given) if PLACE.fullmatch(given) else None
    notices, following = services.notices_page(request.user, before)
    context = {
        "requests": services.open_requests(request.user),
        "notices": notices,
        "following": following,
        "later_page": before is not None,
        "any_unread": services.unread_count(request.user),
        "mail_on": settings.MAIL_ON,
    }
    return render(request, "quotes/inbox.html", context)


@require_POST
def notice_read(request: PortalRequest, pk: int) -> HttpResponse:
    """Mark one of one's own notices read."""
    if not Notice.objects.of(request.user).filter(pk=pk).exists():
        raise Http404("No such page.")
    services.mark_read(request.user, now=timezone.now(), pk=pk)
    return redirect("quotes:inbox")


@require_POST
def notices_read(request: PortalRequest) -> HttpResponse:
    """Mark all of one's notices read."""
    count = services.mark_read(request.user, now=timezone.now())
    if count:
        messages.success(request, f"{count} notice{'' if count == 1 else 's'} marked as read.")
    return redirect("quotes:inbox")


@require_POST
def inbox_mail(request: PortalRequest) -> HttpResponse:
    """Turn mails of notices on or off for oneself."""
    on = request.POST.get("mail") == "on"
    services.mail_notices(request.user, on=on)
    messages.success(request, f"Notices are {'mailed to you too' if on else 'no longer mailed'}.")
    return redirect("quotes:inbox")
