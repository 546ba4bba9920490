"""Insureds and quotes: read here, edited by brokers on their pages.

Searched by id and owner only. A household's name or ZIP code would end up in the address of the
page, in proxies' logs and in the browser's history; the Insureds page searches those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from quotes.admin.site import ModelAdmin, ReadOnlyAdmin, ReadOnlyInline, as_json, site
from quotes.models import Driver, IncumbentPolicy, Insured, Quote, QuoteLine, Role, User, Vehicle
from quotes.services.transfer import MOST_REASON, NotMoved, move_insured, stated_reason

if TYPE_CHECKING:
    InsuredModelForm = forms.ModelForm[Insured]
else:
    InsuredModelForm = forms.ModelForm


class OwnerForm(InsuredModelForm):
    """Giving an insured to another broker, and why."""

    reason = forms.CharField(
        required=False,
        max_length=MOST_REASON,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text="Needed when the owner changes; it stays with the insured's history.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "owner" in self.changed_data and "owner" not in self.errors:
            try:
                stated_reason(cleaned.get("reason") or "")
            except NotMoved as error:
                self.add_error("reason", str(error))
        return cleaned

    def clean_owner(self) -> User | None:
        owner: User | None = self.cleaned_data["owner"]
        twin = Insured.objects.filter(owner=owner, identity_key=self.instance.identity_key)
        if self.instance.identity_key and twin.exclude(pk=self.instance.pk).exists():
            whose = f"{owner.shown_name} has" if owner else "There is"
            raise forms.ValidationError(
                f"{whose} this household already, as another insured. To give them this one all "
                "the same, kept apart, move it on its own page."
            )
        return owner


class DriverInline(ReadOnlyInline):
    model = Driver
    fields = ("name", "years_licensed", "violations_5yr")
    unread = ("document",)


class VehicleInline(ReadOnlyInline):
    model = Vehicle
    fields = ("year", "make", "model", "garaging_zip", "primary_driver")
    unread = ("document",)


class IncumbentInline(ReadOnlyInline):
    model = IncumbentPolicy
    fields = ("line", "carrier_name", "carrier", "annual_premium")
    select = ("carrier",)
    unread = ("document",)


@admin.register(Insured, site=site)
class InsuredAdmin(ModelAdmin):
    """One thing may be changed: the broker whose insured it is."""

    form = OwnerForm
    list_display = ("shown_name", "place", "owner", "updated_at", "id")
    list_display_links = ("shown_name", "id")
    list_filter = (("owner", admin.RelatedOnlyFieldListFilter), "state")
    list_select_related = ("owner",)
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("id__icontains", "owner__username")
    search_help_text = "Id or broker's username; the Insureds page searches names and ZIP codes"
    actions = None
    inlines = (DriverInline, VehicleInline, IncumbentInline)
    readonly_fields = (
        "id", "applicant_name", "street", "city", "state", "zip_code",
        "created_at", "updated_at", "stated",
    )  # fmt: skip
    fields = (
        "owner", "reason", "id", "applicant_name", "street", "city", "state", "zip_code",
        "created_at", "updated_at", "stated",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Insured]:
        rows: QuerySet[Insured] = super().get_queryset(request)
        return rows.defer("document", "body_document")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        field = form.base_fields.get("owner")
        if isinstance(field, forms.ModelChoiceField):
            may_own = Q(is_active=True, groups__name=Role.BROKER)
            if obj is not None and obj.owner_id:
                may_own |= Q(pk=obj.owner_id)
            field.queryset = User.objects.filter(may_own).distinct().order_by("username")
            for offer in ("add", "change", "delete", "view"):
                setattr(field.widget, f"can_{offer}_related", False)
            field.empty_label = "Nobody: only managers and admins see it"
            field.help_text = "The broker; runs and quotes go along."
        return form

    def save_model(self, request: HttpRequest, obj: Insured, form: Any, change: bool) -> None:
        """Only the owner: a broker may be saving the rest at this moment."""
        if "owner" not in form.changed_data:
            return
        stored = Insured.objects.select_related("owner").only("owner").get(pk=obj.pk)
        actor: Any = request.user
        reason = form.cleaned_data["reason"]
        try:
            move_insured(insured=stored, to_user=obj.owner, actor=actor, reason=reason)
        except NotMoved as error:
            self.message_user(request, str(error), messages.ERROR)

    @admin.display(description="as imported")
    def stated(self, insured: Insured) -> str:
        return as_json(insured.document)


class QuoteLineInline(ReadOnlyInline):
    model = QuoteLine
    fields = ("line", "quote_ref", "premium_annual", "product_name")
    unread = ("document", "offering_document")


@admin.register(Quote, site=site)
class QuoteAdmin(ReadOnlyAdmin):
    list_display = (
        "carrier_name", "package_id", "insured", "owner", "package_premium_annual",
        "expires_at", "updated_at",
    )  # fmt: skip
    list_filter = ("carrier", "expires_at")
    list_select_related = ("insured__owner",)
    search_fields = ("id__icontains", "package_id", "carrier_name", "lines__quote_ref")
    search_help_text = "Id, package id, quote id or carrier"
    inlines = (QuoteLineInline,)
    fields = (
        "id", "insured", "carrier", "carrier_name", "package_id", "package_premium_annual",
        "term_months", "generated_at", "expires_at", "broker", "created_at", "updated_at",
        "stated",
    )  # fmt: skip
    readonly_fields = ("stated",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Quote]:
        rows: QuerySet[Quote] = super().get_queryset(request)
        return rows.defer("document", "insured__document", "insured__body_document")

    @admin.display(description="broker's account", ordering="insured__owner__username")
    def owner(self, quote: Quote) -> str:
        return quote.insured.owner.username if quote.insured.owner else "—"

    @admin.display(description="as imported")
    def stated(self, quote: Quote) -> str:
        return as_json(quote.document)
