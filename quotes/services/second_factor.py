"""The second factor: its secrets at rest, codes that work once, and taking a lost one away."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction

from quotes.models import Deed, User
from quotes.services import audit
from quotes.services.sessions import end_sessions
from quotes.services.transfer import stated_reason

Type = Authenticator.Type
FACTORS = (Type.TOTP, Type.WEBAUTHN)
"""What somebody signs in with; recovery codes only stand in for one of these."""
SECRETS = {Type.TOTP: "secret", Type.RECOVERY_CODES: "seed"}
"""Where a secret stands in an authenticator's data. A passkey's key is public."""


class Unreadable(Exception):
    """A secret that was sealed with a key this installation no longer has."""


class NotTaken(Exception):
    """Nothing was changed; the message says why, to the administrator."""


def _cipher() -> MultiFernet:
    """Seals with a key derived from SECRET_KEY; opens also what the key before it sealed."""
    keys = [str(settings.SECRET_KEY), *map(str, settings.SECRET_KEY_FALLBACKS)]
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str) -> bytes:
    """A key for this purpose alone: RFC 5869. SECRET_KEY is random, so it needs no salt."""
    kdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"brokerportal second factor 1")
    return base64.urlsafe_b64encode(kdf.derive(key.encode()))


def seal(text: str) -> str:
    return _cipher().encrypt(text.encode()).decode("ascii")


def unseal(sealed: str) -> str:
    """Raises Unreadable."""
    try:
        return _cipher().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unreadable from error


@transaction.atomic
def seal_anew() -> tuple[int, int]:
    """Seal every secret with today's SECRET_KEY; how many were, and how many nobody can read."""
    done = lost = 0
    cipher = _cipher()
    for row in Authenticator.objects.select_for_update().filter(type__in=SECRETS).order_by("pk"):
        name = SECRETS[Type(row.type)]
        try:
            row.data[name] = cipher.rotate(row.data[name].encode()).decode("ascii")
        except InvalidToken:
            lost += 1
            continue
        row.save(update_fields=["data"])
        done += 1
    return done, lost


def factors_of(person: User) -> dict[str, int]:
    """How many of each kind the person has: `totp`, `webauthn`. Empty for none."""
    kinds = Authenticator.objects.filter(user=person, type__in=FACTORS)
    found: dict[str, int] = {}
    for kind in kinds.values_list("type", flat=True):
        found[kind] = found.get(kind, 0) + 1
    return found


def has_one(person: User) -> bool:
    return bool(Authenticator.objects.filter(user=person, type__in=FACTORS).exists())


def may_remove(factor: Authenticator) -> bool:
    """Whether the person may do without it: the last one stays where one is required."""
    if settings.SECOND_FACTOR != "required":
        return True
    others = Authenticator.objects.filter(user_id=factor.user_id, type__in=FACTORS)
    return bool(others.exclude(pk=factor.pk).exists())


@transaction.atomic
def spend_code(factor: Authenticator, code: str) -> bool:
    """Use up an authenticator app's code; False where it, or a later one, was used already.

    A code is good for its own half minute and the ones around it, and for one use: RFC 6238,
    section 5.2.
    """
    row = Authenticator.objects.select_for_update().get(pk=factor.pk)
    last = row.data.get("last_counter", -1)
    for counter in _counters(unseal(row.data["secret"]), code):
        if counter > last:
            row.data["last_counter"] = counter
            row.save(update_fields=["data"])
            return True
    return False


def _counters(secret: str, code: str) -> Iterator[int]:
    """The half minutes that the code belongs to, of those that count now."""
    digits = "".join(char for char in code if char.isdigit())
    for counter in yield_hotp_counters_from_time():
        if format_hotp_value(hotp_value(secret, counter)) == digits:
            yield counter


@transaction.atomic
def was_set_up(*, factor: Authenticator, code: str = "", keep: str | None) -> None:
    """After a factor was set up: its first code is spent, and other sessions end, since nobody
    knows whether those are the person's own. `keep` is the key of the session that stays."""
    if code:
        spend_code(factor, code)
    ended = end_sessions(factor.user, keep=keep)
    audit.record(
        actor=factor.user,
        deed=Deed.ADMINISTERED,
        what=f"Set up a second factor: {WORDS[factor.type]}",
        data={"user": factor.user_id, "kind": factor.type, "sessions_ended": ended},
    )


@transaction.atomic
def was_changed(*, person: User, what: str, kind: str, keep: str | None) -> None:
    """The entry of what somebody did to their own second factor besides; their other sessions end,
    as when one is set up."""
    ended = end_sessions(person, keep=keep)
    audit.record(
        actor=person,
        deed=Deed.ADMINISTERED,
        what=what,
        data={"user": person.pk, "kind": kind, "sessions_ended": ended},
    )


WORDS: dict[str, str] = {
    Type.TOTP: "authenticator app",
    Type.WEBAUTHN: "passkey",
    Type.RECOVERY_CODES: "recovery codes",
}


def why_not_taken(person: User, actor: User) -> str:
    """Why the actor may not take the person's second factor away; "" where they may."""
    if person == actor:
        return "Nobody takes away their own: another administrator does."
    if not actor.sees_all or (person.is_superuser and not actor.is_superuser):
        return "Only a superuser does this for a superuser."
    if not Authenticator.objects.filter(user=person).exists():
        return f"{person.shown_name} has no second factor."
    return ""


@transaction.atomic
def take_away(*, person: User, actor: User, reason: str) -> int:
    """Take a lost second factor, with its recovery codes, and end the person's sessions.

    They sign in with the password alone then, and set up another one first where one is required.
    Answers how many sessions ended. Raises NotTaken, and NotMoved for a reason that says nothing.
    """
    rows = User.objects.select_for_update().filter(pk__in=[person.pk, actor.pk]).order_by("pk")
    stored = {row.pk: row for row in rows}
    if not stored[actor.pk].is_active:
        raise NotTaken("Your own account was made inactive meanwhile. Nothing was changed.")
    if why := why_not_taken(stored[person.pk], stored[actor.pk]):
        raise NotTaken(why)
    reason = stated_reason(reason)
    taken = Authenticator.objects.filter(user=person)
    kinds = sorted(taken.values_list("type", flat=True))
    taken.delete()
    ended = end_sessions(person)
    audit.record(
        actor=actor,
        deed=Deed.ADMINISTERED,
        what=f"Took the second factor from {person.username}",
        data={"user": person.pk, "kinds": kinds, "reason": reason, "sessions_ended": ended},
    )
    return ended
