"""One's own second factor: what there is, setting it up, and doing without."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView, RemoveWebAuthnView
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.http import require_safe

from quotes.services import second_factor as service
from quotes.views.access import PortalRequest
from quotes.views.second_factor.codes import open_codes
from quotes.views.second_factor.forms import PasskeyForm, SetUpAppForm
from quotes.views.second_factor.gate import forget_confirmed, mark_confirmed, stands_before
from quotes.views.second_factor.origin import passkeys_work

Type = Authenticator.Type
AFTERWARDS = "second_factor_next"


@require_safe
def index(request: PortalRequest) -> HttpResponse:
    """What the person has, and what there is to set up; whoever must is told so."""
    user = request.user
    must = stands_before(request)
    if must and service.has_one(user):
        way = urlencode({"next": _own_path(request)})
        return redirect(f"{reverse('mfa_reauthenticate')}?{way}")
    if must and "next" in request.GET:
        request.session[AFTERWARDS] = _own_path(request)
    rows = Authenticator.objects.filter(user=user).order_by("created_at", "pk")
    codes = next((row for row in rows if row.type == Type.RECOVERY_CODES), None)
    context = {
        "app": next((row for row in rows if row.type == Type.TOTP), None),
        "passkeys": [row for row in rows if row.type == Type.WEBAUTHN],
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else None,
        "passkeys_work": passkeys_work(request),
        "must": must,
        "required": settings.SECOND_FACTOR == "required",
    }
    return render(request, "mfa/index.html", context)


def _own_path(request: HttpRequest) -> str:
    """Where the person wanted to go, if it is ours."""
    path = request.GET.get("next", "")
    ours = path.startswith("/") and url_has_allowed_host_and_scheme(path, None)
    return path if ours else "/"


class Own:
    """A page on which people change their own second factor; a demo account has none.

    Its password stands on the sign-in page: whoever set one up would lock everybody else out.
    """

    request: PortalRequest

    def dispatch(self, request: PortalRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_demo:
            raise PermissionDenied
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        context = self.get_context_data(form=form)  # type: ignore[attr-defined]
        response: HttpResponse = self.render_to_response(context, status=422)  # type: ignore[attr-defined]
        return response

    def _set_up(self, kind: str, first: bool, code: str = "") -> HttpResponse:
        """The factor that was just set up is shown to work, so this session has seen it."""
        request = self.request
        mark_confirmed(request, request.user)
        factor = Authenticator.objects.filter(user=request.user, type=kind).latest("pk")
        service.was_set_up(factor=factor, code=code, keep=request.session.session_key)
        if first:
            open_codes(request)
            return redirect("mfa_view_recovery_codes")
        return redirect("mfa_index")

    def _removed(self, kind: str) -> None:
        request = self.request
        if not service.has_one(request.user):
            forget_confirmed(request)
        what = f"Removed a second factor: {service.WORDS[kind]}"
        keep = request.session.session_key
        service.was_changed(person=request.user, what=what, kind=kind, keep=keep)


class SetUpAppView(Own, ActivateTOTPView):  # type: ignore[misc]
    form_class = SetUpAppForm
    template_name = "mfa/app.html"

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            super().form_valid(form)
        except IntegrityError:
            return redirect("mfa_index")  # set up meanwhile, in another tab
        code = form.cleaned_data["code"]
        return self._set_up(Type.TOTP, self.did_generate_recovery_codes, code)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        secret = context["form"].secret
        # By fours, as it is typed where there is no camera.
        return {**context, "secret": " ".join(secret[i : i + 4] for i in range(0, 32, 4))}


class RemoveAppView(Own, DeactivateTOTPView):  # type: ignore[misc]
    template_name = "mfa/app_remove.html"

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        self._removed(Type.TOTP)
        return response


class AddPasskeyView(Own, AddWebAuthnView):  # type: ignore[misc]
    form_class = PasskeyForm
    template_name = "mfa/passkey.html"

    def dispatch(self, request: PortalRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_demo and not passkeys_work(request):
            messages.warning(request, "Passkeys work over https and under the portal's name only.")
            return redirect("mfa_index")
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # allauth drops the form that was posted, and with it what was wrong.
        return {**super().get_context_data(**kwargs), **kwargs}

    def form_valid(self, form: Any) -> HttpResponse:
        super().form_valid(form)
        return self._set_up(Type.WEBAUTHN, self.did_generate_recovery_codes)


class RemovePasskeyView(Own, RemoveWebAuthnView):  # type: ignore[misc]
    template_name = "mfa/passkey_remove.html"
    success_url = reverse_lazy("mfa_index")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {**context, "kept": not service.may_remove(self.object)}

    def form_valid(self, form: Any) -> HttpResponse:
        if not service.may_remove(self.object):
            return self.form_invalid(form)
        response: HttpResponse = super().form_valid(form)
        self._removed(Type.WEBAUTHN)
        return response


set_up_app = SetUpAppView.as_view()
remove_app = RemoveAppView.as_view()
add_passkey = AddPasskeyView.as_view()
remove_passkey = RemovePasskeyView.as_view()
