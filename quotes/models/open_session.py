"""Who is signed in where: one row a session, for the list of them and for ending them."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models

from quotes.models.sealed_fields import SealedTextField

KEY_CHARS = 40


def digest_of(session_key: str) -> str:
    """What a session's key is stored as. The key is random, so it needs no secret."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:KEY_CHARS]


class OpenSession(AbstractBaseSession):
    """A session, by a digest of its key: whoever reads the table cannot take one over.

    The columns are what the session's own data say, written with it. Its data may hold what
    somebody searched for, or the key of an app that is being set up, and are sealed.
    """

    session_data = SealedTextField()
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="open_sessions"
    )
    signed_in_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True, help_text="When the person last did something.")
    browser = models.CharField(max_length=80, blank=True)
    address = models.GenericIPAddressField(null=True)

    objects: ClassVar[Any] = BaseSessionManager()

    class Meta:
        indexes = [models.Index(name="session_of_user", fields=["user", "-used_at"])]

    def __str__(self) -> str:
        return f"Session of {self.user_id}"

    @classmethod
    def get_session_store_class(cls) -> Any:
        from brokerportal.sessions import SessionStore  # the engine is made of this model

        return SessionStore
