"""What allauth asks the app about the second factor."""

from __future__ import annotations

from typing import Any

import structlog
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret

from quotes.models import User
from quotes.services.second_factor import Unreadable, may_remove, seal, unseal

log = structlog.get_logger(__name__)


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "This did not work: the code is wrong, or was used already. Wait for "
        "the app's next code and type that one.",
        "incorrect_passkey": "That was not an answer of a passkey of yours. Try again.",
        "cannot_delete_authenticator": "A second factor is required here, and this is your only "
        "one. Set up another one first.",
    }

    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """The secret; where nobody can read it, one made up, so that no code fits.

        It is usable as the seed of either kind. An empty one would be a secret that all know.
        """
        try:
            return unseal(encrypted_text)
        except Unreadable:
            log.error("second_factor_unreadable", hint="SECRET_KEY_BEFORE names the key before")
            return str(generate_totp_secret(40))

    def build_totp_svg(self, url: str) -> str:
        """The code to scan, as an SVG element without a style of its own."""
        import qrcode
        from qrcode.image.svg import SvgPathImage

        image = qrcode.make(url, image_factory=SvgPathImage)
        return str(image.to_string(encoding="unicode"))

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return may_remove(authenticator)

    def generate_authenticator_name(self, user: User, type: Any) -> str:
        count = Authenticator.objects.filter(user=user, type=type).count()
        return "Passkey" if count == 0 else f"Passkey {count + 1}"

    def get_public_key_credential_user_entity(self, user: User) -> dict[str, Any]:
        """By an id that tells nothing; what the browser shows beside it is the person's own."""
        return {
            "id": str(user.pk).encode(),
            "display_name": user.shown_name,
            "name": user.username,
        }

    def get_totp_label(self, user: User) -> str:
        return str(user.username)
