"""Who may see what, as of now: the table that a periodic review of access goes through.

23 NYCRR 500.07 asks that access be reviewed at least once a year. The table names people of the
office and counts households; it names none.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db.models import Count, Q
from django.utils import timezone

from quotes.models import Insured, InsuredShare, Role, User
from quotes.services.exports.files import as_text

TITLES = (
    "As of", "Username", "Name", "E-mail", "Active", "Roles", "Office", "Oversees", "Sees",
    "Own insureds", "Shared with them", "Insureds seen in all", "Last sign-in", "Second factor",
    "Account made on",
)  # fmt: skip


def access_review_csv(now: datetime) -> Iterator[bytes]:
    """The table as CSV, the active first, by username; no cell is a formula."""
    yield b"\xef\xbb\xbf" + _line(TITLES)
    by_office = _insureds_by_office()
    everything = Insured.objects.count()
    mfa = _with_second_factor()
    people = User.objects.select_related("office").prefetch_related("groups", "oversees")
    own = Count("insureds", distinct=True)
    for person in people.annotate(own=own).order_by("-is_active", "username"):
        yield _line(_row(person, now, by_office, everything, mfa))


def _row(
    person: Any,
    now: datetime,
    by_office: dict[int | None, int],
    everything: int,
    mfa: set[int] | None,
) -> list[str]:
    roles = _roles(person)
    shared = InsuredShare.objects.filter(user=person).count()
    overseen = [office.name for office in person.oversees.all()]
    return [
        _moment(now),
        person.username,
        person.get_full_name(),
        person.email,
        "yes" if person.is_active else "no",
        ", ".join(roles) or "none",
        person.office.name if person.office else "",
        ", ".join(overseen),
        _sees(person, by_office),
        str(person.own),
        str(shared),
        str(everything if person.sees_all else Insured.objects.visible_to(person).count()),
        _moment(person.last_login) if person.last_login else "never",
        "not asked for" if mfa is None else "yes" if person.pk in mfa else "no",
        _moment(person.date_joined),
    ]


def _roles(person: Any) -> list[str]:
    """As they stand with the account, an inactive one's as well: it gets them back with a tick."""
    names = {group.name for group in person.groups.all()}
    if person.is_superuser:
        names.add(Role.ADMIN.value)
    return [str(role.label) for role in Role if role.value in names]


def _sees(person: User, by_office: dict[int | None, int]) -> str:
    """In words: why the person sees what they see, with the number of insureds of each office."""
    if not person.is_active:
        return "nothing: the account is closed"
    if person.sees_all:
        return "every office's insureds"
    if person.is_manager:
        offices = {each.pk: each.name for each in person.oversees.all()}
        if person.office:
            offices[person.office.pk] = person.office.name
        seen = [f"{name} ({by_office.get(pk, 0)})" for pk, name in sorted(offices.items())]
        also = "; own and shared" if person.is_broker else ""
        return f"offices: {', '.join(seen) or 'none'}{also}"
    return "own and shared" if person.is_broker else "nothing: no role"


def _insureds_by_office() -> dict[int | None, int]:
    rows = Insured.objects.order_by().values_list("owner__office").annotate(count=Count("pk"))
    found: dict[int | None, int] = dict(rows)
    return found


def _with_second_factor() -> set[int] | None:
    """Who has one that works; None where the app asks for none."""
    if not apps.is_installed("allauth.mfa"):
        return None
    rows = apps.get_model("mfa", "Authenticator").objects.filter(
        Q(type="totp") | Q(type="webauthn")
    )
    return set(rows.values_list("user", flat=True))


def _moment(at: datetime) -> str:
    return timezone.localtime(at).isoformat(sep=" ", timespec="minutes")


def _line(cells: Any) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerow([as_text(cell) for cell in cells])
    return out.getvalue().encode()
