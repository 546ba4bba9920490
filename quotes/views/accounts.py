"""Signing in and out: allauth's views behind our pages, and one door for everybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.views import LoginView, LogoutView
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from quotes.models import User
from quotes.services.demo import demo_logins

MOST_KEPT = 500_000
"""Characters of a form that are carried through signing in; our largest is a tenth of that."""


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Nobody signs up by themselves: admins make accounts."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


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
        context.setdefault("kept", KeptForm.carried(self.request))
        return context

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        kept = KeptForm.carried(self.request)
        if kept and self.request.user.is_authenticated:
            return render(self.request, "account/kept.html", {"kept": kept})
        return response


@dataclass(frozen=True)
class KeptForm:
    """A form posted without a session: where to, and its body as the browser encoded it."""

    path: str
    body: str

    @classmethod
    def posted(cls, request: HttpRequest) -> KeptForm | None:
        """The form in this request; None for an upload, or one too large to send about."""
        if request.content_type != "application/x-www-form-urlencoded":
            return None
        if len(request.body) > MOST_KEPT:
            return None
        return cls(request.path, request.body.decode("ascii", "ignore"))

    @classmethod
    def carried(cls, request: HttpRequest) -> KeptForm | None:
        """The form that our own sign-in page carries; a path that is not ours is dropped."""
        path, body = request.POST.get("kept_path", ""), request.POST.get("kept_body", "")
        if not path.startswith("/") or not url_has_allowed_host_and_scheme(path, None):
            return None
        return cls(path, body[:MOST_KEPT])

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Every field in its order, without the token of the session that ended."""
        pairs = QueryDict(self.body, mutable=False).lists()
        return [
            (name, value)
            for name, values in pairs
            for value in values
            if name != "csrfmiddlewaretoken"
        ]


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
