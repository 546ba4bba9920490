"""The role groups, to read: their names carry meaning, so they are not edited here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest

from quotes.admin.site import ReadOnlyAdmin, site


@admin.register(Group, site=site)
class GroupAdmin(ReadOnlyAdmin):
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
