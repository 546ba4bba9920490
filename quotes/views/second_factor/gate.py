"""Whether this session has shown its second factor, and what it reaches until then."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest

from quotes.models import User
from quotes.services.second_factor import FACTORS

CONFIRMED = "second_factor_confirmed"
"""Whose second factor this session has seen; a session holds it for its own person only."""

ALWAYS = frozenset(
    {
        "mfa_index",
        "account_logout",
        "admin_logout",
        # They lead on whoever is signed in, and what is posted there must not be shown again.
        "account_login",
        "mfa_authenticate",
        # The clock of the pages that are open; it shows no more than that.
        "session_left",
        "session_stay",
        "healthz",
        "readyz",
    }
)
TO_SET_UP = frozenset({"mfa_activate_totp", "mfa_add_webauthn", "account_reauthenticate"})
TO_CONFIRM = frozenset({"mfa_reauthenticate", "mfa_reauthenticate_webauthn"})


def mark_confirmed(request: HttpRequest, person: User) -> None:
    request.session[CONFIRMED] = person.pk


def forget_confirmed(request: HttpRequest) -> None:
    request.session.pop(CONFIRMED, None)


def is_confirmed(request: HttpRequest) -> bool:
    return bool(request.session.get(CONFIRMED) == request.user.pk)


def stands_before(request: HttpRequest) -> bool:
    """Whether somebody is signed in who must show a second factor and has not.

    Nobody else could sign in with a demo account any more that had one, so those have none and
    need none: their passwords are public and work with the sandbox only.
    """
    user = request.user
    if settings.SECOND_FACTOR != "required" or not isinstance(user, User) or user.is_demo:
        return False
    return not is_confirmed(request)


def reaches(user: User, name: str) -> bool:
    """Whether somebody who stands before the gate reaches the address of that name.

    Who has a second factor may not set up another one without showing it.
    """
    if name in ALWAYS:
        return True
    enrolled = Authenticator.objects.filter(user=user, type__in=FACTORS).exists()
    return name in (TO_CONFIRM if enrolled else TO_SET_UP)
