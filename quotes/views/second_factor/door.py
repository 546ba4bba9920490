"""Signing in, the second step: a code or a passkey, after the password was right."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.stagekit import clear_login
from allauth.account.stages import LoginStageController
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from quotes.services.second_factor import has_one
from quotes.views.kept_forms import KeptForm
from quotes.views.second_factor.forms import CodeForm, PasskeyAnswerForm
from quotes.views.second_factor.gate import mark_confirmed
from quotes.views.second_factor.origin import passkeys_work

PASSKEY = Authenticator.Type.WEBAUTHN


class CodeView(AuthenticateView):  # type: ignore[misc]
    form_class = CodeForm
    webauthn_form_class = PasskeyAnswerForm
    template_name = "account/code.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        stage = _stage(request)
        if stage and not (stage.login.user.is_active and has_one(stage.login.user)):
            # An administrator took it away, or the person out, since the password was typed.
            clear_login(request)
            return redirect("account_login")
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def form_valid(self, form: Any) -> HttpResponse:
        person = self.stage.login.user
        form.save()
        mark_confirmed(self.request, person)
        response: HttpResponse = self.stage.exit()
        kept = KeptForm.carried(self.request)
        if kept and self.request.user.is_authenticated:
            return render(self.request, "account/kept.html", {"kept": kept})
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = self.render_to_response(self.get_context_data(), status=422)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if not self._has_passkey():
            self.webauthn_form = None
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {**context, "kept": KeptForm.carried(self.request)}

    def _has_passkey(self) -> bool:
        mine = Authenticator.objects.filter(user=self.stage.login.user, type=PASSKEY)
        return passkeys_work(self.request) and mine.exists()


def _stage(request: HttpRequest) -> Any:
    return LoginStageController.enter(request, AuthenticateStage.key)


def asks_for_code(request: HttpRequest) -> bool:
    """Whether this browser has given a password and is now asked for the second factor."""
    return not request.user.is_authenticated and _stage(request) is not None


def code_page(request: HttpRequest, kept: KeptForm) -> HttpResponse:
    """The page that asks for the code, in answer to the password, carrying what was typed."""
    view = CodeView()
    view.setup(request)
    view.stage = _stage(request)
    view.auth_form = view.get_form_class()(user=view.stage.login.user)
    view.webauthn_form = view.get_webauthn_form_class()(user=view.stage.login.user)
    context = {**view.get_context_data(), "kept": kept}
    response: HttpResponse = view.render_to_response(context)
    return response


code = login_not_required(CodeView.as_view())
