"""Whose runs a person may ask for by name: the brokers and offices of filters."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from quotes.models import Office, Role, RunFact, User


def brokers_seen_by(user: User) -> QuerySet[User]:
    """The brokers of the person's offices, or all; and whoever else has runs that the person
    sees: a former broker, or a colleague who shares an insured."""
    runs = RunFact.objects.visible_to(user).filter(broker=OuterRef("pk")).order_by()
    brokers = User.objects.filter(groups__name=Role.BROKER)
    if not user.sees_all:
        brokers = brokers.filter(Q(office__in=user.offices_seen) | Q(pk=user.pk))
    seen = User.objects.filter(Q(pk__in=brokers.values("pk")) | Exists(runs))
    return seen.order_by("last_name", "username")


def offices_seen_by(user: User) -> QuerySet[Office]:
    """The offices whose work the person sees as a manager or admin."""
    offices = Office.objects.all()
    return offices if user.sees_all else offices.filter(pk__in=user.offices_seen)
