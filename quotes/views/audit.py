"""The access log, an insured's or whole: a list and a file; and the insured's legal hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from quotes.forms.audit import AuditFilter, HoldForm
from quotes.models import AuditEvent, Insured, Tombstone, User
from quotes.models.audit import AuditEventQuerySet
from quotes.services.access_review import access_review_csv
from quotes.services.audit_list import audit_csv, audit_page, people_in
from quotes.services.retention.holds import NotPossible, lift_hold, place_hold, standing_hold
from quotes.views.access import PortalRequest, Whose, get_or_absent, may_have, touched

MOST_ID = 2**63 - 1


@require_safe
def insured_audit(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Who saw, changed, exported and decided what; latest first, narrowed by the query string."""
    insured, rows, form = _found(request, pk)
    context = {
        "insured": insured,
        "pk": pk,
        "tombstone": Tombstone.objects.filter(insured_ref=pk).first() if insured is None else None,
        **_list_context(request, rows, form, reverse("quotes:insured_audit", args=[pk])),
    }
    return render(request, "quotes/insured_audit.html", context)


@require_safe
def insured_audit_csv(request: PortalRequest, pk: UUID) -> StreamingHttpResponse:
    """The same entries as a file."""
    _, rows, form = _found(request, pk)
    return _csv(audit_csv(form.narrow(rows)), f"access-log-{pk.hex[:12]}.csv")


@require_safe
def access_log(request: PortalRequest) -> HttpResponse:
    """Every entry there is, those of no insured too; for admins only."""
    rows, form = _whole(request)
    context = _list_context(request, rows, form, reverse("quotes:access_log"))
    return render(request, "quotes/access_log.html", context)


@require_safe
def access_log_csv(request: PortalRequest) -> StreamingHttpResponse:
    """The same entries as a file."""
    rows, form = _whole(request)
    return _csv(audit_csv(form.narrow(rows)), f"access-log-{timezone.localdate():%Y-%m-%d}.csv")


@require_safe
def access_review(request: PortalRequest) -> StreamingHttpResponse:
    """Who may see what, for the review of access: admins only."""
    _admins_only(request)
    now = timezone.now()
    return _csv(access_review_csv(now), f"access-review-{timezone.localdate(now):%Y-%m-%d}.csv")


@require_POST
def insured_hold(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Place a legal hold, or lift it, with a reason: managers of the office, and admins."""
    insured = get_or_absent(Insured.objects.visible_to(request.user), _for_overseers(request, pk))
    lifting = "lift" in request.POST
    form = HoldForm(request.POST, name="hold")
    if not form.is_valid():
        context = {"insured": insured, "form": form, "lifting": lifting}
        return render(request, "quotes/insured_hold.html", context, status=422)
    act, done = (lift_hold, "lifted") if lifting else (place_hold, "placed")
    try:
        act(insured=insured, actor=request.user, reason=form.cleaned_data["reason"])
    except NotPossible as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, f"The legal hold was {done}.")
    return redirect("quotes:insured_detail", pk=insured.pk)


def hold_context(request: PortalRequest, insured: Insured) -> dict[str, Any]:
    """What the insured's page shows of its hold, and the form for whoever may place or lift it."""
    oversees = request.user.sees_others
    return {
        "hold": standing_hold(insured.pk) if may_have(insured, "hold") else None,
        "may_hold": oversees,
        "hold_form": HoldForm(name="hold") if oversees else None,
    }


def _admins_only(request: PortalRequest) -> None:
    if not request.user.sees_all:
        raise PermissionDenied


def _csv(pieces: Iterator[bytes], name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(pieces, content_type="text/csv")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _list_context(
    request: PortalRequest, rows: AuditEventQuerySet, form: AuditFilter, here: str
) -> dict[str, Any]:
    """What a page of entries shows of `rows`, which `form` narrows; `here` is its address."""
    page = audit_page(
        form.narrow(rows),
        before=_id(request.GET.get("before")),
        after=_id(request.GET.get("after")),
    )
    return {"page": page, "form": form, "query": urlencode(form.codes()), "here": here}


def _whole(request: PortalRequest) -> tuple[AuditEventQuerySet, AuditFilter]:
    _admins_only(request)
    # Everybody: whoever has an entry could be found out only by reading all of them.
    people = sorted(User.objects.all(), key=lambda user: user.shown_name.lower())
    return AuditEvent.objects.visible_to(request.user), AuditFilter(request.GET, people=people)


def _found(
    request: PortalRequest, pk: UUID
) -> tuple[Insured | None, AuditEventQuerySet, AuditFilter]:
    """The insured and its entries. Of one that was purged admins still read what was done."""
    _for_overseers(request, pk)
    rows = AuditEvent.objects.about(pk, request.user)
    if request.user.sees_all and Tombstone.objects.filter(insured_ref=pk).exists():
        insured = None
        touched(Whose(pk, None))
    else:
        insured = get_or_absent(Insured.objects.visible_to(request.user), pk)
    return insured, rows, AuditFilter(request.GET, people=people_in(rows))


def _for_overseers(request: PortalRequest, pk: UUID) -> UUID:
    if not request.user.sees_others:
        raise Http404("No such page.")
    return pk


def _id(given: str | None) -> int | None:
    """An entry's id from the address; None for anything else."""
    if not given or not given.isascii() or not given.isdigit() or len(given) > 19:
        return None
    number = int(given)
    return number if number <= MOST_ID else None
