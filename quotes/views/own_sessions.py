"""Where somebody is signed in, and signing out there; and how long this session still goes on."""

from __future__ import annotations

import time

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from quotes.models import User
from quotes.models.open_session import digest_of
from quotes.services import sessions as service
from quotes.services.transfer import NotMoved
from quotes.views.access import PortalRequest
from quotes.views.second_factor.reset import ReasonForm
from quotes.views.session_clock import USED_AT, left_of


@require_safe
def own_sessions(request: PortalRequest) -> HttpResponse:
    """The person's open sessions, this one first."""
    here = digest_of(request.session.session_key or "")
    rows = service.open_sessions(request.user)
    rows.sort(key=lambda row: row.pk != here)
    return render(request, "account/sessions.html", {"rows": rows, "here": here})


@require_POST
def end_others(request: PortalRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    ended = service.sign_out_others(request.user, keep=request.session.session_key)
    told = "Nobody was signed in elsewhere." if not ended else "Signed out everywhere else."
    messages.success(request, told)
    return redirect("own_sessions")


@require_http_methods(["GET", "HEAD", "POST"])
def end_of_person(request: PortalRequest, pk: int) -> HttpResponse:
    """An administrator signs somebody out everywhere, with a reason.

    Raises PermissionDenied for everybody else.
    """
    if not request.user.sees_all:
        raise PermissionDenied
    person = get_object_or_404(User, pk=pk)
    if person.is_superuser and not request.user.is_superuser:
        raise PermissionDenied
    form = ReasonForm(request.POST or None)
    form.fields["reason"].help_text = "It stays in the access log."
    context = {"person": person, "form": form, "rows": service.open_sessions(person)}
    if request.method != "POST":
        return render(request, "account/sign_out_person.html", context)
    if form.is_valid():
        try:
            service.sign_out_person(
                person=person, actor=request.user, reason=form.cleaned_data["reason"]
            )
        except NotMoved as error:
            form.add_error("reason", str(error))
        else:
            messages.success(request, f"{person.shown_name} was signed out everywhere.")
            return redirect(reverse("admin:quotes_user_change", args=[person.pk]))
    return render(request, "account/sign_out_person.html", context, status=422)


@login_not_required
@require_safe
def session_left(request: HttpRequest) -> HttpResponse:
    """For the page's own clock: seconds left, and which limit comes first. It extends nothing."""
    return _left(request)


@require_POST
def session_stay(request: PortalRequest) -> HttpResponse:
    """Somebody says that they are still there."""
    request.session[USED_AT] = time.time()
    return _left(request)


def _left(request: HttpRequest) -> HttpResponse:
    left = left_of(request) if request.user.is_authenticated else None
    if left is None:
        # No 401, which a browser would write into its console as a fault.
        return JsonResponse({"left": 0, "limit": ""})
    return JsonResponse({"left": left.seconds, "limit": left.limit})
