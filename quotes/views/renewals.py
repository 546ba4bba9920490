"""Renewing an insured, and copying a quote to another carrier."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from quotes.forms.renewal import AS_THEY_ARE, QuoteCopyForm, RenewalForm
from quotes.models import Carrier, Insured, Quote, User
from quotes.models.prepared import prepared
from quotes.services import matrix
from quotes.services.copying import copy_quote
from quotes.services.renewal import (
    AlreadyRenewed,
    RunPackages,
    chosen_package,
    next_effective_date,
    packages_to_choose,
    renew_insured,
)
from quotes.views.access import PortalRequest, get_or_absent, may_have, touched


@require_http_methods(["GET", "HEAD", "POST"])
def insured_renew(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Ask what is in force now, then make the insured of the next term and go there."""
    rows = Insured.objects.editable_by(request.user).prefetch_related("incumbents", "quotes")
    insured = get_or_absent(rows, pk)
    runs = packages_to_choose(insured)
    packages = {each.pk: each for run in runs for each in run.solutions}
    if request.method != "POST":
        chosen = chosen_package(runs)
        form = RenewalForm(
            proposed=chosen.pk if chosen else None,
            packages=packages,
            effective=next_effective_date(insured),
            seen=insured.renewals.count(),
        )
        return _renewal_page(request, insured, form, runs)
    form = RenewalForm(request.POST, packages=packages)
    if not form.is_valid():
        return _renewal_page(request, insured, form, runs, status=422)
    values = form.cleaned_data
    try:
        new = renew_insured(
            insured=insured,
            user=request.user,
            solution=packages[form.package] if form.package is not None else None,
            effective=values["effective_date"],
            with_quotes=values["with_quotes"],
            seen=values["seen"] or 0,
        )
    except AlreadyRenewed as error:
        messages.info(
            request, "This insured was renewed a moment ago: this is that renewal, made once only."
        )
        return redirect("quotes:insured_detail", pk=error.insured.pk)
    touched(new)
    messages.success(
        request,
        "The renewal was made. Look through the profile and the incumbents before comparing; "
        "the insured renewed keeps its quotes and runs.",
    )
    return redirect("quotes:insured_detail", pk=new.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def quote_copy(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Ask for the other carrier, then go to its quote to fill in the premiums."""
    rows = Quote.objects.editable_by(request.user).select_related("insured")
    quote = get_or_absent(rows.prefetch_related("lines"), pk)
    form = QuoteCopyForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        context = {
            "quote": quote,
            "insured": quote.insured,
            "form": form,
            "carriers": Carrier.objects.values_list("name", flat=True)[:300],
        }
        status = 422 if request.method == "POST" else 200
        return render(request, "quotes/quote_copy.html", context, status=status)
    copied = copy_quote(
        quote=quote, carrier_name=form.cleaned_data["carrier_name"], user=request.user
    )
    messages.success(
        request, f"Copied from {quote.carrier_name} without its prices. Fill in the premiums."
    )
    return redirect("quotes:quote_edit", pk=copied.pk)


def renewal_links(user: User, insured: Insured) -> dict[str, Any]:
    """The insured this one renews, and those that renew it, as far as `user` may see them."""
    renewed = insured.renewal_of_id
    return {
        "renewal_of": next(iter(_visible(user, renewed)), None) if renewed else None,
        "renewed_as": _renewals(user, insured.pk) if may_have(insured, "renewals") else [],
    }


@prepared
def _visible(user: User, pk: UUID) -> QuerySet[Insured]:
    visible = Insured.objects.visible_to(user).defer("document", "body_document", "origins")
    return visible.filter(pk=pk).order_by()


@prepared
def _renewals(user: User, of: UUID) -> QuerySet[Insured]:
    visible = Insured.objects.visible_to(user).defer("document", "body_document", "origins")
    return visible.filter(renewal_of=of).order_by("-created_at", "pk")[:5]


def _renewal_page(
    request: PortalRequest,
    insured: Insured,
    form: RenewalForm,
    runs: list[RunPackages],
    status: int = 200,
) -> HttpResponse:
    context = {
        "insured": insured,
        "form": form,
        "incumbents": matrix.incumbent_summary(insured.incumbents.all()),
        "as_they_are": AS_THEY_ARE,
        "proposed": chosen_package(runs),
        "latest": runs[0] if runs else None,
        "earlier": runs[1:],
        "quote_count": len(insured.quotes.all()),
        **renewal_links(request.user, insured),
    }
    return render(request, "quotes/renewal.html", context, status=status)
