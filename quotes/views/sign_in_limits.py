"""How often passwords and codes may be tried, so that nobody guesses and nobody is shut out.

Whoever shares an address with somebody, or knows somebody's username, could otherwise hold them
back by failing on purpose. So failures are counted against what only the one who fails has:

- a browser that has signed in with this account before shows a signed cookie that says so, and has
  tries of its own, which no other browser uses up;
- any other browser is counted by account and address together, then by the account over all such
  browsers, then by the address over all accounts. Each holds back unknown browsers only.

A link to set a password makes a browser known as well, so there is a way in for somebody new while
an attack goes on. See docs/decisions/0020.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import structlog
from allauth.core.internal.ratelimit import RateLimitUsage, consume, get_ip
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

from quotes.models import User

log = structlog.get_logger(__name__)

SALT = "quotes.views.sign_in_limits"
KNOWN_FOR = 180 * 24 * 3600
MOST_ACCOUNTS = 10
"""A browser knows so many accounts; the one that signed in longest ago is forgotten first."""

PASSWORDS = {
    "known": "10/5m/key",
    "pair": "5/5m/key",
    # More than one address can fail in an hour, below a hundred guesses (ASVS 5.0, 6.3.1).
    "account": "90/h/key",
    "address": "300/10m/ip",
}
CODES = {
    "known": "5/5m/key,40/d/key",
    "pair": "5/5m/key,40/d/key",
    "account": "90/d/key",
}
"""Six digits of which three count at a time: forty guesses a day hit once in 23 years."""


class HeldBack(Exception):
    """Too many tries; nothing was looked at."""


def count_password(request: HttpRequest, username: str) -> RateLimitUsage:
    """Count a try before the password is looked at; the caller takes it back if that was right.

    Raises HeldBack.
    """
    return _count(request, "password", PASSWORDS, _account(username))


def count_code(request: HttpRequest, person: User) -> Callable[[], None]:
    """As `count_password`, of a code of the second factor; answers what takes it back."""
    counted = _count(request, "code", CODES, _account(person.username))

    def take_back() -> None:
        counted.rollback()

    return take_back


def remember_browser(request: HttpRequest, response: HttpResponse, person: User) -> None:
    """Let the browser show later on that this account signed in from it."""
    number, accounts = _known(request)
    account = _account(person.username)
    accounts = [account, *(each for each in accounts if each != account)][:MOST_ACCOUNTS]
    shown = {"browser": number or secrets.token_hex(16), "accounts": accounts}
    response.set_cookie(
        _cookie(),
        signing.dumps(shown, salt=SALT),
        max_age=KNOWN_FOR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _count(request: HttpRequest, what: str, rates: dict[str, str], account: str) -> RateLimitUsage:
    number, accounts = _known(request)
    if any(constant_time_compare(account, each) for each in accounts):
        usage = _consume(request, what, "known", rates, f"{number}:{account}")
        if usage is not None:
            return usage
        # It tried too often: it is any browser now.
    address = get_ip(request)
    counted: list[Any] = []
    for scope, key in (("pair", f"{address}:{account}"), ("account", account), ("address", "")):
        if scope not in rates:
            continue
        usage = _consume(request, what, scope, rates, key)
        if usage is None:
            # What a refused try took from wider counts would be others' to miss.
            RateLimitUsage(usage=counted).rollback()
            log.warning("sign_in_held_back", what=what, limit=scope)
            raise HeldBack(scope)
        counted += usage.usage
    return RateLimitUsage(usage=counted)


def _consume(
    request: HttpRequest, what: str, scope: str, rates: dict[str, str], key: str
) -> RateLimitUsage | None:
    if not settings.ACCOUNT_RATE_LIMITS:
        return RateLimitUsage(usage=[])
    action = f"{what}_{scope}"
    usage: RateLimitUsage | None = consume(
        request, app="portal", action=action, config={action: rates[scope]}, key=key or None
    )
    return usage


def _account(username: str) -> str:
    """An account as cookie and counts name it: they tell nobody the username."""
    return salted_hmac(SALT, username.strip().casefold(), algorithm="sha256").hexdigest()[:24]


def _known(request: HttpRequest) -> tuple[str, list[str]]:
    """The browser's number and the accounts it knows; ("", []) for one that shows none."""
    try:
        shown = signing.loads(request.COOKIES.get(_cookie(), ""), salt=SALT, max_age=KNOWN_FOR)
        return str(shown["browser"]), [str(each) for each in shown["accounts"]]
    except (signing.BadSignature, KeyError, TypeError):
        return "", []


def _cookie() -> str:
    return "__Host-known" if settings.SESSION_COOKIE_SECURE else "known"
