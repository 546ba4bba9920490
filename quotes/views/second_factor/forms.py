"""allauth's forms of the second factor, in our words, and strict where it is not."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter as account_adapter
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms

from quotes.models import User
from quotes.services.second_factor import Unreadable, spend_code
from quotes.views.sign_in_limits import HeldBack, count_code

MALFORMED = (TypeError, ValueError, KeyError, AttributeError, IndexError)
"""What reading a passkey's answer raises where somebody wrote it by hand."""


def code_field(label: str) -> forms.CharField:
    attrs = {"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
    return forms.CharField(label=label, max_length=20, widget=forms.TextInput(attrs=attrs))


class SpentOnce:
    """An app's code that was accepted is not accepted again."""

    def clean_code(self) -> str:
        person: User = self.user  # type: ignore[attr-defined]
        try:
            take_back = count_code(context.request, person)
        except HeldBack:
            raise account_adapter().validation_error("too_many_login_attempts") from None
        code: str = super().clean_code()  # type: ignore[misc]
        factor: Authenticator = self.authenticator  # type: ignore[attr-defined]
        if factor.type == Authenticator.Type.TOTP:
            try:
                spent = spend_code(factor, code)
            except Unreadable:
                spent = False
            if not spent:
                raise get_adapter().validation_error("incorrect_code")
        take_back()
        return code


class CodeForm(SpentOnce, AuthenticateForm):  # type: ignore[misc]
    code = code_field("Code from your app, or a recovery code")


class ConfirmCodeForm(SpentOnce, ReauthenticateForm):  # type: ignore[misc]
    code = code_field("Code from your app, or a recovery code")


class SetUpAppForm(ActivateTOTPForm):  # type: ignore[misc]
    code = code_field("The six digits that the app shows")


class Readable:
    """A passkey's answer that is none is a mistake in the form and no fault of ours."""

    def _clean_fields(self) -> None:
        try:
            super()._clean_fields()  # type: ignore[misc]
        except MALFORMED:
            self._refuse()

    def _clean_form(self) -> None:
        try:
            super()._clean_form()  # type: ignore[misc]
        except MALFORMED:
            self._refuse()

    def _refuse(self) -> None:
        self.add_error(None, get_adapter().validation_error("incorrect_passkey"))  # type: ignore[attr-defined]


class PasskeyForm(Readable, AddWebAuthnForm):  # type: ignore[misc]
    name = forms.CharField(
        label="Name",
        max_length=60,
        required=False,
        help_text="So that you know it again: the computer or the key it is kept on.",
    )


class PasskeyAnswerForm(Readable, AuthenticateWebAuthnForm):  # type: ignore[misc]
    pass


class ConfirmPasskeyForm(Readable, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    pass


def first_error(form: Any) -> str:
    """The form's first mistake, in words; "" for none."""
    return next((str(error) for errors in form.errors.values() for error in errors), "")
