"""People and their roles. A person is never deleted: what they did stays theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest

from quotes.admin.site import ReadOnlyAdmin, site
from quotes.models import Role, User

if TYPE_CHECKING:
    BaseUserAdmin = DjangoUserAdmin[User]
else:
    BaseUserAdmin = DjangoUserAdmin


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


@admin.register(User, site=site)
class UserAdmin(BaseUserAdmin):
    """Roles are given by group. Only a superuser makes, or touches, another superuser."""

    list_display = ("username", "full_name", "roles", "last_login", "is_active", "is_demo")
    list_filter = ("is_active", "groups", "is_demo")
    search_fields = ("username", "first_name", "last_name")
    search_help_text = "Username or name of a person of the office"
    list_per_page = 50
    filter_horizontal = ()
    actions = ("deactivate", "activate")
    readonly_fields = ("is_demo", "is_staff", "last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        (
            "Role",
            {
                "fields": ("is_active", "groups", "is_superuser", "is_staff", "is_demo"),
                "description": "Brokers work on their own insureds, managers read every broker's, "
                "admins read all and use these pages. A person who leaves is made inactive: that "
                "signs them out at once and keeps what they did.",
            },
        ),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": (
                    "username", "first_name", "last_name", "groups",
                    "usable_password", "password1", "password2",
                ),
            },
        ),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def formfield_for_manytomany(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs |= {"widget": forms.CheckboxSelectMultiple, "label": "Roles", "help_text": ""}
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fixed = tuple(str(name) for name in self.readonly_fields)
        if not _is_superuser(request):
            fixed += ("is_superuser",)
        if obj is not None and obj.pk == request.user.pk:
            # Nobody locks themselves out by a slip.
            fixed += ("is_active", "groups", "is_superuser")
        return tuple(dict.fromkeys(fixed))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.is_superuser and not _is_superuser(request):
            return False
        return bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_related(
        self, request: HttpRequest, form: forms.ModelForm[User], formsets: Any, change: bool
    ) -> None:
        super().save_related(request, form, formsets, change)
        person = form.instance
        # Entrance to these pages follows the role, so that it is granted in one place.
        staff = person.is_superuser or person.groups.filter(name=Role.ADMIN).exists()
        if person.is_staff != staff:
            person.is_staff = staff
            person.save(update_fields=["is_staff"])

    @admin.display(description="name", ordering="last_name")
    def full_name(self, person: User) -> str:
        return person.get_full_name() or "—"

    @admin.display(description="role")
    def roles(self, person: User) -> str:
        names = [
            str(Role(group.name).label) if group.name in Role.values else group.name
            for group in person.groups.all()
        ]
        if person.is_superuser:
            names.append("Superuser")
        return ", ".join(names) or "None"

    @admin.action(description="Make inactive: sign out and keep out", permissions=["change"])
    def deactivate(self, request: HttpRequest, people: QuerySet[User]) -> None:
        self._set_active(request, people, active=False)

    @admin.action(description="Make active again", permissions=["change"])
    def activate(self, request: HttpRequest, people: QuerySet[User]) -> None:
        self._set_active(request, people, active=True)

    def _set_active(self, request: HttpRequest, people: QuerySet[User], *, active: bool) -> None:
        changed = 0
        for person in people.exclude(is_active=active):
            if person == request.user or not self.has_change_permission(request, person):
                continue
            person.is_active = active
            person.save(update_fields=["is_active"])
            self.log_change(request, person, f"Made {'active' if active else 'inactive'}.")
            changed += 1
        word = "active" if active else "inactive"
        self.message_user(request, f"{changed} made {word}.", messages.SUCCESS)


@admin.register(Group, site=site)
class GroupAdmin(ReadOnlyAdmin):
    """The roles are the app's: their names carry meaning, so they are not edited here."""

    list_display = ("name", "people")
    fields = ("name", "people", "allowed")
    readonly_fields = ("people", "allowed")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        active = Count("user", filter=Q(user__is_active=True))
        groups: QuerySet[Any] = super().get_queryset(request).annotate(active_people=active)
        return groups

    @admin.display(description="active people", ordering="active_people")
    def people(self, group: Any) -> int:
        return int(group.active_people)

    @admin.display(description="may do here")
    def allowed(self, group: Group) -> str:
        names = group.permissions.values_list("name", flat=True)
        return "; ".join(names) or "Nothing on these pages"
