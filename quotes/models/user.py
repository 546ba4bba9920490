"""People who sign in, and what each role may see."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.functional import cached_property


class Role(models.TextChoices):
    """The groups, by name. A person without one signs in and sees nothing."""

    BROKER = "broker", "Broker"
    MANAGER = "manager", "Manager"
    ADMIN = "admin", "Admin"


class User(AbstractUser):
    """A broker, manager or admin; the role is a group, so that admins grant it in one place."""

    is_demo = models.BooleanField(
        default=False,
        editable=False,
        help_text="A demo account, whose password is public: it works with the sandbox only.",
    )

    @cached_property
    def role_names(self) -> frozenset[str]:
        if not self.is_active:
            return frozenset()
        names = set(self.groups.values_list("name", flat=True))
        if self.is_superuser:
            names.add(Role.ADMIN.value)
        return frozenset(names)

    @property
    def is_broker(self) -> bool:
        return Role.BROKER in self.role_names

    @property
    def sees_all(self) -> bool:
        """Managers and admins see every broker's work."""
        return bool(self.role_names & {Role.MANAGER, Role.ADMIN})

    @property
    def shown_name(self) -> str:
        return self.get_full_name() or self.username
