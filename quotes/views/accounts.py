"""Signing in and out: allauth's views behind our pages, and one door for everybody."""

from __future__ import annotations

import time
from typing import Any

import structlog
from allauth.account import app_settings as account_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.stagekit import clear_login
from allauth.account.views import LoginView, LogoutView
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from quotes.models import User
from quotes.services.demo import demo_logins
from quotes.services.second_factor import has_one
from quotes.views.access_log import log_sign_in
from quotes.views.kept_forms import KeptForm
from quotes.views.second_factor.door import asks_for_code, code_page
from quotes.views.session_clock import begin
from quotes.views.sign_in_limits import HeldBack, count_password, remember_browser

log = structlog.get_logger(__name__)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Nobody signs up by themselves: admins make accounts."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def post_login(self, request: HttpRequest, user: User, **how: Any) -> HttpResponse:
        """Called once somebody is in, with every step that was asked of them."""
        log_sign_in(user)
        begin(request)
        response: HttpResponse = super().post_login(request, user, **how)
        remember_browser(request, response, user)
        return response

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Before the password is looked at; allauth takes the count back where it was right."""
        try:
            self._login_failed_rl_usage = count_password(request, credentials.get("username", ""))
        except HeldBack:
            raise self.validation_error("too_many_login_attempts") from None

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Told by the request's id alone: what was typed as a name may be a password."""
        log.warning("sign_in_failed")
        super().authentication_failed(request, **credentials)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Not of somebody who has just signed in: that is how one comes to the set-up."""
        records = get_authentication_records(self.request, self.request.user)
        if records and time.time() - records[-1]["at"] < account_settings.REAUTHENTICATION_TIMEOUT:
            return False
        return bool(super().is_reauthentication_required(app=app, **kwargs))

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        """Whoever has a second factor shows that one: a password alone must not remove it."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if has_one(user):
            return [method for method in methods if method["id"] != "reauthenticate"]
        return methods


class AccountBackend(AuthenticationBackend):  # type: ignore[misc]
    """Passwords, except that a demo account's, which is public, works with the sandbox only."""

    def user_can_authenticate(self, user: User) -> bool:
        allowed = settings.DEMO_ACCOUNTS or not user.is_demo
        return bool(allowed and super().user_can_authenticate(user))

    @classmethod
    def _stash_user(cls, user: Any) -> None:
        """Forget whose password was right but who may not sign in.

        allauth would send them to a page that says so, and would thus tell whoever tries
        passwords that this one fits. They get the answer that a wrong password gets.
        """
        super()._stash_user(None)


class SignInView(LoginView):  # type: ignore[misc]
    """The one door. It carries a form along that was posted after its session had ended."""

    template_name = "account/login.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["demo_logins"] = demo_logins() if settings.DEMO_ACCOUNTS else []
        context["mail_on"] = settings.MAIL_ON
        context.setdefault("kept", KeptForm.carried(self.request))
        return context

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        kept = KeptForm.carried(self.request)
        if kept and self.request.user.is_authenticated:
            return render(self.request, "account/kept.html", {"kept": kept})
        if kept and asks_for_code(self.request):
            return code_page(self.request, kept)
        return response

    def _redirect_to_pending_stage(self, request: HttpRequest, stage: Any) -> HttpResponse | None:
        """A password that is posted begins anew, also where a code is asked for by now: the form
        may carry what was typed."""
        if request.method == "POST":
            clear_login(request)
            return None
        response: HttpResponse | None = super()._redirect_to_pending_stage(request, stage)
        return response


def sign_in_keeping(request: HttpRequest) -> HttpResponse | None:
    """The sign-in page in place of a form's answer, with what was typed; None if it cannot be."""
    kept = KeptForm.posted(request)
    if kept is None:
        return None
    view = SignInView()
    view.setup(request)
    context = view.get_context_data(form=view.get_form_class()(), kept=kept)
    return render(request, "account/login.html", context, status=401)


class SignOutView(LogoutView):  # type: ignore[misc]
    template_name = "account/logout.html"


sign_in = login_not_required(SignInView.as_view())
sign_out = SignOutView.as_view()


@login_not_required
def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """The admin has no door of its own: its sign-in address leads to ours.

    Raises PermissionDenied for somebody signed in: the admin sent them here because they may
    not enter, and our door would send them straight back.
    """
    if request.user.is_authenticated:
        raise PermissionDenied
    target = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        target = reverse("admin:index")
    return redirect(f"{reverse('account_login')}?{urlencode({'next': target})}")
