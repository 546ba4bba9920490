"""Whose runs a person may ask for by name: the brokers and offices of filters."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from quotes.models import InsuredShare, Office, Role, RunFact, User
from quotes.models.prepared import prepared
from quotes.models.user import name_of


def brokers_seen_by(user: User) -> QuerySet[User]:
    """The brokers of the person's offices, or all; and whoever else has runs that the person
    sees: a former broker, or a colleague who shares an insured."""
    runs = RunFact.objects.filter(broker=OuterRef("pk")).order_by()
    brokers = User.objects.filter(groups__name=Role.BROKER)
    with_runs = Q(Exists(runs))
    if not user.sees_all:
        # Said by office and share, and not by asking of each run whether it is seen: of an agency
        # with 100,000 of them that took longer than all else on the page.
        offices = Q(office__in=user.offices_seen)
        brokers = brokers.filter(offices | Q(pk=user.pk))
        with_runs &= offices
        if user.is_broker:
            shares = InsuredShare.objects.filter(user=user).values("insured")
            with_runs |= Q(pk=user.pk) | Q(Exists(runs.filter(insured__in=shares)))
    seen = User.objects.filter(Q(pk__in=brokers.values("pk")) | with_runs)
    return seen.order_by("last_name", "username")


def named_brokers(user: User) -> list[tuple[int, str]]:
    """The same, by key and name, as a select offers them."""
    return [(pk, name_of(*names)) for pk, *names in _brokers(user)]


@prepared
def _brokers(user: User) -> QuerySet[User, Any]:
    names = brokers_seen_by(user)
    return names.values_list("pk", "first_name", "last_name", "username")


def named_offices(user: User) -> list[tuple[int, str]]:
    """The offices that the person sees, as a select offers them."""
    return _offices(user)


@prepared
def _offices(user: User) -> QuerySet[Office, Any]:
    return offices_seen_by(user).values_list("pk", "name")


def offices_seen_by(user: User) -> QuerySet[Office]:
    """The offices whose work the person sees as a manager or admin."""
    offices = Office.objects.all()
    return offices if user.sees_all else offices.filter(pk__in=user.offices_seen)
