"""People with a second factor, as they are after setting it up, and sessions that have shown it."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client

from quotes.models import User
from quotes.views.second_factor.gate import CONFIRMED

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def enrol(person: User, secret: str = SECRET) -> Authenticator:
    factor: Authenticator = TOTP.activate(person, secret).instance
    RecoveryCodes.activate(person)
    return factor


def mark_confirmed(browser: Client, person: User) -> None:
    session = browser.session
    session[CONFIRMED] = person.pk
    session.save()
