"""People who sign in, and what each role may see."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.functional import cached_property

from quotes.models.office import Office


class Role(models.TextChoices):
    """The groups, by name. A person without one signs in and sees nothing."""

    BROKER = "broker", "Broker"
    MANAGER = "manager", "Manager"
    ADMIN = "admin", "Admin"


def name_of(first: str, last: str, username: str) -> str:
    """How a person is named, whether read whole or by these columns alone."""
    return f"{first} {last}".strip() or username


class User(AbstractUser):
    """A broker, manager or admin; the role is a group, so that admins grant it in one place."""

    office = models.ForeignKey(
        Office,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="people",
        help_text="Where this person works. A manager sees the work of this office.",
    )
    oversees = models.ManyToManyField(
        Office,
        blank=True,
        related_name="overseers",
        help_text="Other offices whose work a manager sees.",
    )
    is_demo = models.BooleanField(
        default=False,
        editable=False,
        help_text="A demo account, whose password is public: it works with the sandbox only.",
    )
    notices_by_mail = models.BooleanField(
        default=True,
        help_text="Whether notices also go to the person's e-mail address, where mail is set up.",
    )
    link_made_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When the last link to set a password was made, or all were ended. A link "
        "made earlier works no more.",
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
    def is_manager(self) -> bool:
        return Role.MANAGER in self.role_names

    @property
    def sees_all(self) -> bool:
        """Admins see the work of every office."""
        return Role.ADMIN in self.role_names

    @property
    def sees_others(self) -> bool:
        """Managers see the work of their offices, admins of all."""
        return bool(self.role_names & {Role.MANAGER, Role.ADMIN})

    @cached_property
    def offices_seen(self) -> frozenset[int]:
        """Ids of the offices whose work a manager sees: where they work, and what they oversee."""
        if not self.is_manager:
            return frozenset()
        seen = set(self.oversees.values_list("pk", flat=True))
        if self.office_id is not None:
            seen.add(self.office_id)
        return frozenset(seen)

    @property
    def shown_name(self) -> str:
        return name_of(self.first_name, self.last_name, self.username)
