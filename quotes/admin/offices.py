"""Offices: named, renamed, with their rule of approval; removed only while nobody works there."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest

from quotes.admin.site import ModelAdmin, site
from quotes.models import Deed, Office
from quotes.services import audit


def _shown(office: Office) -> dict[str, str]:
    return {"name": office.name, "approval": str(office.get_approval_display())}


class OfficeForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Office
        fields = ("name", "approval")

    def clean_name(self) -> str:
        name = " ".join(str(self.cleaned_data["name"]).split())
        if Office.objects.filter(name__iexact=name).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("There is an office of this name already.")
        return name


@admin.register(Office, site=site)
class OfficeAdmin(ModelAdmin):
    form = OfficeForm
    list_display = ("name", "approval", "active_people", "overseen_by")
    search_fields = ("name",)
    list_per_page = 50
    readonly_fields = ("active_people", "overseen_by")
    fieldsets = (
        (
            None,
            {
                "fields": ("name", "approval"),
                "description": "Who works here is said on each person's page. The rule of approval "
                "holds for choices that are not yet recorded as bound.",
            },
        ),
        ("People", {"fields": ("active_people", "overseen_by")}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fieldsets if obj else self.fieldsets[:1]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Office]:
        active = Count("people", filter=Q(people__is_active=True), distinct=True)
        rows: QuerySet[Office] = super().get_queryset(request)
        return rows.annotate(active_count=active).prefetch_related("overseers")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.people.exists():
            return False
        return bool(super().has_delete_permission(request, obj))

    def save_model(self, request: HttpRequest, obj: Office, form: Any, change: bool) -> None:
        stored = Office.objects.select_for_update().filter(pk=obj.pk).first() if change else None
        before = _shown(stored) if stored else {}
        super().save_model(request, obj, form, change)
        now = _shown(obj)
        changed = {k: [before.get(k), v] for k, v in now.items() if before.get(k) != v}
        if changed:
            said = f"Changed the office {before.get('name')}" if change else "Added the office"
            audit.record(
                actor=request.user,
                deed=Deed.ADMINISTERED,
                what=f"{said}: {', '.join(changed)}" if change else f"{said} {obj.name}",
                data={"office": obj.pk, "changed": changed},
            )

    def delete_model(self, request: HttpRequest, obj: Office) -> None:
        audit.record(
            actor=request.user,
            deed=Deed.ADMINISTERED,
            what=f"Deleted the office {obj.name}, where nobody worked",
            data={"office": obj.pk, **_shown(obj)},
        )
        super().delete_model(request, obj)

    @admin.display(description="active people", ordering="active_count")
    def active_people(self, office: Any) -> int:
        return int(office.active_count)

    @admin.display(description="also overseen by")
    def overseen_by(self, office: Office) -> str:
        return ", ".join(each.shown_name for each in office.overseers.all()) or "—"
