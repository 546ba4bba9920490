"""What every page knows: which service answers, who is looking, and what an admin must mend."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from quotes.models import NexioService, Role
from quotes.nexio.address import key_environment
from quotes.services.inbox import unread_count
from quotes.views.session_clock import limits_of

KEY_ALERT = (
    "Nothing is sent and no run is looked at until an administrator puts a working key in place. "
    "Runs under way are kept and go on then."
)


def service(request: HttpRequest) -> dict[str, Any]:
    """The header's badge, the person's role, and the alert about a key that Nexio refuses.

    The alert is for managers and admins, who can see to it.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"service_badge": badge(), "user_role": "", "key_alert": "", "held": None}
    known = NexioService.objects.filter(base_url=settings.NEXIO_URL).first()
    refused = known is not None and known.key_refused_at is not None
    return {
        "service_badge": badge(known.environment if known else ""),
        "user_role": ", ".join(str(role.label) for role in Role if role in user.role_names),
        "key_alert": KEY_ALERT if refused and user.sees_others else "",
        "held": None if known is None or refused else held(known, timezone.now()),
        # Asked where it is drawn: fragments have no navigation.
        "unread_notices": partial(unread_count, user),
        "session_clock": limits_of(request),
    }


def held(known: NexioService, now: datetime) -> dict[str, Any] | None:
    """Until when Nexio asked us to wait, and with what; None where it did not, or it is over."""
    for until, what in (
        (known.submits_held_until, "runs are sent"),
        (known.polls_held_until, "runs are asked for again"),
    ):
        if until is not None and until > now:
            return {"until": until, "what": what}
    return None


def badge(replied: str = "") -> dict[str, str]:
    """Which service the app talks to: the sandbox, or Nexio in the environment of the key.

    `replied` is what the service's last replies called themselves. It decides only where the
    key's form names no environment, and is shown where it says otherwise than the key.
    """
    if settings.NEXIO_IS_SANDBOX:
        return {"kind": "sandbox", "label": "Sandbox — not Nexio"}
    of_key = key_environment(settings.NEXIO_KEY)
    environment = of_key or replied or "unknown"
    kind = environment if environment in {"test", "live"} else "other"
    differs = f" (replies say {replied})" if replied and replied != environment else ""
    return {"kind": kind, "label": f"Nexio {environment}{differs}"}
