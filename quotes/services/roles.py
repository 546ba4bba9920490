"""The role groups, and what an administrator who is no superuser may do in Django admin."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from quotes.models import Role

ADMIN_MAY: dict[str, tuple[str, ...]] = {
    "view": (
        "user", "office", "carrier", "carrieralias", "insured", "driver", "vehicle",
        "incumbentpolicy", "quote", "quoteline", "run", "runevent", "solution", "solutionline",
        "nexioservice", "decisionevent", "proposal", "proposaloption", "attachment",
    ),
    "add": ("user", "office", "carrier", "carrieralias"),
    "change": ("user", "office", "carrier", "carrieralias", "insured"),
    "delete": ("office", "carrieralias"),
}  # fmt: skip
"""By action, the models of this app; beside these an administrator sees the groups."""


@transaction.atomic
def ensure_roles() -> None:
    """Make the three role groups and set their permissions to exactly what the roles mean.

    Brokers and managers get none: the pages decide by role, and Django admin is not theirs.
    Safe to call at every start; it needs the permissions that `migrate` makes.
    """
    wanted = [f"{action}_{model}" for action, models in ADMIN_MAY.items() for model in models]
    permissions = Permission.objects.filter(
        content_type__app_label="quotes", codename__in=wanted
    ) | Permission.objects.filter(content_type__app_label="auth", codename="view_group")
    for role in Role.values:
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.set(permissions if role == Role.ADMIN else [])
