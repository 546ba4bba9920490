"""The admin site, and what its pages have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import simplejson
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.safestring import SafeString

MOST_SHOWN = 200_000
"""Characters of a document shown on a page; the rest is one command away (`show_run`)."""

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
    StackedInline = admin.StackedInline[Any, Any]
else:
    ModelAdmin = admin.ModelAdmin
    TabularInline = admin.TabularInline
    StackedInline = admin.StackedInline


class PortalAdminSite(admin.AdminSite):
    site_title = "Broker portal administration"
    site_header = "Broker portal administration"
    index_title = "People, carriers and history"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        # What cannot be undone is done one by one, on a page that says what it means.
        self.disable_action("delete_selected")

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """There is one page for it, which knows who may: a demo account keeps its own."""
        return redirect("password_change_own")


site = PortalAdminSite()


class ReadOnly:
    """Nothing is added, changed or deleted here, by a superuser either.

    Who may look is still decided by the permission to view.
    """

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, ModelAdmin):
    actions = None
    list_per_page = 50
    show_full_result_count = False


class ReadOnlyInline(ReadOnly, TabularInline):
    extra = 0
    max_num = 0
    can_delete = False
    select: tuple[str, ...] = ()
    """Relations a row shows, fetched with the rows."""
    unread: tuple[str, ...] = ()
    """Columns a row does not show and that may be large."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        if self.select:
            rows = rows.select_related(*self.select)
        return rows.defer(*self.unread)


def as_json(value: Any) -> SafeString | str:
    """A stored document, indented and escaped for a page; "—" where there is none."""
    if value is None:
        return "—"
    text = simplejson.dumps(value, indent=2, ensure_ascii=False, use_decimal=True)
    left_out = len(text) - MOST_SHOWN
    if left_out > 0:
        text = f"{text[:MOST_SHOWN]}\n… and {left_out} more characters"
    return format_html(
        '<pre class="document" tabindex="0" role="region" aria-label="Document">{}</pre>', text
    )
