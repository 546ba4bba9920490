"""Passwords that people set themselves: by a link, and by knowing the old one.

No page here signs anybody in. The link's token leaves the address at once, as in Django's own
view: it goes into the session, and the page stands at an address without it.
"""

from __future__ import annotations

from typing import Any

from allauth.core import ratelimit
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.contrib.auth.views import INTERNAL_RESET_SESSION_TOKEN, PasswordResetConfirmView
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from quotes.models import User
from quotes.services import links
from quotes.views.access import PortalRequest
from quotes.views.sign_in_limits import remember_browser

PAGE = ["GET", "HEAD", "POST"]


def _too_often(request: HttpRequest) -> HttpResponse:
    response: HttpResponse = ratelimit.respond_429(request)
    return response


class ForgotForm(forms.Form):
    account = forms.CharField(
        label="Username or e-mail address",
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
    )


@login_not_required
@require_http_methods(PAGE)
def forgot(request: HttpRequest) -> HttpResponse:
    """Ask for a link by mail. What is answered tells nobody whether there is such an account."""
    if not settings.MAIL_ON:
        raise Http404("No such page.")
    form = ForgotForm(request.POST or None)
    if request.method != "POST":
        return render(request, "account/forgot.html", {"form": form})
    if not form.is_valid():
        return render(request, "account/forgot.html", {"form": form}, status=422)
    stated = form.cleaned_data["account"]
    if not ratelimit.consume(request, action="reset_password", key=stated.casefold()):
        return _too_often(request)
    links.ask_for_link(stated)
    return render(request, "account/forgot.html", {"asked": True, "days": links.lifetime().days})


class SetByLinkView(PasswordResetConfirmView):
    """The page that a link leads to; once it is used, the way is to the sign-in page."""

    template_name = "account/password_link.html"
    token_generator = links.tokens
    user: User | None

    def dispatch(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(*args, **kwargs)
        if kwargs["token"] != self.reset_url_token:
            # Not where the form stands: a browser that names no page it comes from names no
            # origin either, and the form's token could not be checked.
            response["Referrer-Policy"] = "no-referrer"
        if not self.validlink and response.status_code == 200:
            response.status_code = 410
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        if self.validlink and self.user:
            context |= {"person": self.user, "first": not self.user.has_usable_password()}
        return {**context, "valid": self.validlink, "mail_on": settings.MAIL_ON}

    def form_valid(self, form: SetPasswordForm[User]) -> HttpResponse:
        token = self.request.session.pop(INTERNAL_RESET_SESSION_TOKEN, "")
        assert self.user is not None  # noqa: S101 - a valid link is somebody's
        try:
            links.set_by_link(
                person=self.user, token=token, password=form.cleaned_data["new_password1"]
            )
        except links.NoLink:
            self.validlink = False
            return self.render_to_response(self.get_context_data(), status=410)
        messages.success(self.request, "Your password is set. Sign in with it.")
        response = redirect("account_login")
        # Whoever holds a link is let try, whatever others do to the account meanwhile.
        remember_browser(self.request, response, self.user)
        return response

    def form_invalid(self, form: SetPasswordForm[User]) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


set_by_link = login_not_required(require_http_methods(PAGE)(SetByLinkView.as_view()))


@sensitive_post_parameters()
@require_http_methods(PAGE)
def change(request: PortalRequest) -> HttpResponse:
    """Change one's own password; whoever else is signed in with the old one is signed out."""
    user = request.user
    if user.is_demo:
        if request.method == "POST":
            raise PermissionDenied
        return render(request, "account/password_change.html", {"demo": True})
    form = PasswordChangeForm(user, request.POST or None)
    if request.method != "POST":
        return render(request, "account/password_change.html", {"form": form})
    if not ratelimit.consume(request, action="change_password", user=user):
        return _too_often(request)
    if not form.is_valid():
        return render(request, "account/password_change.html", {"form": form}, status=422)
    links.change_password(
        person=user,
        password=form.cleaned_data["new_password1"],
        keep=request.session.session_key,
    )
    update_session_auth_hash(request, user)
    messages.success(request, "Your password is changed. Other browsers were signed out.")
    return redirect("quotes:worklist")
