"""Recovery codes: shown for a few minutes after they were made, to the browser that made them."""

from __future__ import annotations

import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from quotes.models import User
from quotes.services import second_factor as service
from quotes.views.access import PortalRequest

SHOWN_UNTIL = "recovery_codes_shown_until"
SHOWN_FOR = 10 * 60
"""Seconds: time to save them, or to try another printer."""


def open_codes(request: HttpRequest) -> None:
    """Let this session see the codes that were just made, for some minutes."""
    request.session[SHOWN_UNTIL] = time.time() + SHOWN_FOR


def _shown(request: HttpRequest) -> bool:
    until = request.session.get(SHOWN_UNTIL)
    return isinstance(until, float) and time.time() < until


def _unused(user: User) -> list[str]:
    row = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    if row is None:
        raise Http404("No such page.")
    codes: list[str] = row.wrap().get_unused_codes()
    return [f"{code[:5]} {code[5:]}" for code in codes]


@require_http_methods(["GET", "HEAD", "POST"])
def codes(request: PortalRequest) -> HttpResponse:
    """The codes while they are shown, and how many are left later. POST: they are put away."""
    unused = _unused(request.user)
    if request.method == "POST":
        request.session.pop(SHOWN_UNTIL, None)
        return redirect(request.session.pop("second_factor_next", "mfa_index"))
    shown = _shown(request)
    context = {"codes": unused if shown else [], "left": len(unused), "shown": shown}
    return render(request, "mfa/codes.html", context)


@require_safe
def download(request: PortalRequest) -> HttpResponse:
    unused = _unused(request.user)
    if not _shown(request):
        raise PermissionDenied
    lines = [f"Recovery codes of {request.user.username} for {request.get_host()}", "", *unused]
    lines += ["", "Each works once, in place of the app's code or the passkey."]
    response = HttpResponse("\r\n".join(lines) + "\r\n", content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="recovery-codes.txt"'
    return response


class NewCodesView(GenerateRecoveryCodesView):  # type: ignore[misc]
    template_name = "mfa/codes_new.html"

    def dispatch(self, request: PortalRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_demo:
            raise PermissionDenied
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        service.was_changed(
            person=self.request.user,
            what="Made new recovery codes",
            kind=Authenticator.Type.RECOVERY_CODES,
            keep=self.request.session.session_key,
        )
        open_codes(self.request)
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        context = self.get_context_data(form=form)
        response: HttpResponse = self.render_to_response(context, status=422)
        return response


new_codes = NewCodesView.as_view()
