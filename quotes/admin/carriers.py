"""Carriers and the names they go by; two that are one are merged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse

from quotes.admin.site import ModelAdmin, StackedInline, site
from quotes.models import Carrier, CarrierAlias
from quotes.models.carrier import carrier_key
from quotes.services.carriers import merge_carriers
from quotes.services.run_facts import carrier_became

if TYPE_CHECKING:
    CarrierModelForm = forms.ModelForm[Carrier]
    AliasModelForm = forms.ModelForm[CarrierAlias]
    AliasModelFormSet = forms.BaseInlineFormSet[CarrierAlias, Carrier, AliasModelForm]
else:
    CarrierModelForm = AliasModelForm = forms.ModelForm
    AliasModelFormSet = forms.BaseInlineFormSet


def _taken(name: str, carrier: Carrier | None) -> str:
    """Why `name` cannot be `carrier`'s: the message, or "" when it can."""
    aliases = CarrierAlias.objects.filter(key=carrier_key(name)).select_related("carrier")
    if carrier is not None and carrier.pk:
        aliases = aliases.exclude(carrier=carrier)
    alias = aliases.first()
    if alias is None:
        return ""
    return f"“{name}” already stands for {alias.carrier}. Merge the two carriers instead."


class CarrierForm(CarrierModelForm):
    def clean_name(self) -> str:
        name = " ".join(str(self.cleaned_data["name"]).split())
        problem = _taken(name, self.instance)
        if problem:
            raise forms.ValidationError(problem)
        return name


class AliasFormSet(AliasModelFormSet):
    def clean(self) -> None:
        super().clean()
        seen: set[str] = set()
        for form in self.forms:
            name = form.cleaned_data.get("name") if hasattr(form, "cleaned_data") else None
            if not name or form.cleaned_data.get("DELETE"):
                continue
            problem = _taken(name, self.instance)
            if not problem and carrier_key(name) in seen:
                problem = f"“{name}” is listed already: capitals and punctuation do not matter."
            seen.add(carrier_key(name))
            if problem:
                form.add_error("name", problem)


class AliasInline(StackedInline):
    model = CarrierAlias
    formset = AliasFormSet
    fields = ("name",)
    extra = 1
    verbose_name = "name it goes by"
    verbose_name_plural = "names it goes by"


@admin.register(Carrier, site=site)
class CarrierAdmin(ModelAdmin):
    """A carrier is removed by merging it into another, never while quotes name it."""

    form = CarrierForm
    inlines = (AliasInline,)
    list_display = ("name", "known_as", "quoted")
    search_fields = ("name", "aliases__name")
    list_per_page = 50
    actions = ("merge",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Carrier]:
        rows: QuerySet[Carrier] = super().get_queryset(request)
        return rows.annotate(quote_count=Count("quotes", distinct=True)).prefetch_related("aliases")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        carrier: Carrier = form.instance
        carrier_became(carrier, carrier)
        # The carrier's own name always leads to it.
        CarrierAlias.objects.get_or_create(
            key=carrier_key(carrier.name), defaults={"carrier": carrier, "name": carrier.name}
        )

    @admin.display(description="goes by")
    def known_as(self, carrier: Carrier) -> str:
        names = [alias.name for alias in carrier.aliases.all() if alias.name != carrier.name]
        return ", ".join(names) or "—"

    @admin.display(description="quotes", ordering="quote_count")
    def quoted(self, carrier: Any) -> int:
        return int(carrier.quote_count)

    @admin.action(description="Merge into one carrier…", permissions=["change"])
    def merge(self, request: HttpRequest, carriers: QuerySet[Carrier]) -> HttpResponseBase | None:
        chosen = list(carriers)
        if len(chosen) < 2:
            self.message_user(request, "Choose two carriers or more.", messages.WARNING)
            return None
        keep = next((one for one in chosen if str(one.pk) == request.POST.get("into")), None)
        if keep is not None:
            others = [one for one in chosen if one.pk != keep.pk]
            names = ", ".join(one.name for one in others)
            merge_carriers(into=keep, others=others)
            self.log_change(request, keep, f"Merged into it: {names}.")
            self.message_user(request, f"{names} merged into {keep}.", messages.SUCCESS)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": "Merge into one carrier",
            "opts": self.opts,
            "carriers": chosen,
            "checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/quotes/carrier/merge.html", context)
