"""Showing again who one is, before the second factor is changed."""

from __future__ import annotations

from typing import Any

from allauth.account.views import ReauthenticateView
from allauth.mfa.base.views import ReauthenticateView as CodeAgainView
from allauth.mfa.webauthn.views import ReauthenticateWebAuthnView
from django.http import HttpResponse

from quotes.views.access import PortalRequest
from quotes.views.second_factor.forms import ConfirmCodeForm, ConfirmPasskeyForm
from quotes.views.second_factor.gate import mark_confirmed
from quotes.views.second_factor.origin import passkeys_work


class Confirming:
    """Whoever shows a second factor here has shown it for the session."""

    request: PortalRequest

    def form_valid(self, form: Any) -> HttpResponse:
        mark_confirmed(self.request, self.request.user)
        response: HttpResponse = super().form_valid(form)  # type: ignore[misc]
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        context = self.get_context_data(form=form)
        response: HttpResponse = self.render_to_response(context, status=422)  # type: ignore[attr-defined]
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        return {"form": kwargs.get("form"), **context, "passkeys_work": passkeys_work(self.request)}


class PasswordAgainView(ReauthenticateView):  # type: ignore[misc]
    template_name = "mfa/confirm.html"

    def form_invalid(self, form: Any) -> HttpResponse:
        context = self.get_context_data(form=form)
        response: HttpResponse = self.render_to_response(context, status=422)
        return response


class ConfirmCodeView(Confirming, CodeAgainView):  # type: ignore[misc]
    form_class = ConfirmCodeForm
    template_name = "mfa/confirm.html"


class ConfirmPasskeyView(Confirming, ReauthenticateWebAuthnView):  # type: ignore[misc]
    form_class = ConfirmPasskeyForm
    template_name = "mfa/confirm_passkey.html"


password_again = PasswordAgainView.as_view()
confirm_code = ConfirmCodeView.as_view()
confirm_passkey = ConfirmPasskeyView.as_view()
