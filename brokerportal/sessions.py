"""The session engine: Django's database sessions, with rows that say whose they are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import structlog
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from quotes.models import OpenSession
from quotes.models.open_session import digest_of
from quotes.models.sealing import Unopened

log = structlog.get_logger(__name__)


class SessionStore(DatabaseStore):
    """The browser has the key, the database its digest."""

    @classmethod
    def get_model_class(cls) -> Any:
        return OpenSession

    def _get_session_from_db(self) -> Any:
        given = self.session_key
        if not given:
            return None
        row = None
        try:
            row = self.model.objects.filter(
                session_key=digest_of(given), expire_date__gt=datetime.now(UTC)
            ).first()
        except Unopened as error:
            # Its data key is gone: the person signs in again.
            log.error("session_unopened", hint=str(error))
        if row is None:
            self._session_key = None
        return row

    def exists(self, session_key: str) -> bool:
        return bool(self.model.objects.filter(session_key=digest_of(session_key)).exists())

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        row: Any = super().create_model_instance(data)
        row.session_key = digest_of(row.session_key)
        person = data.get(SESSION_KEY)
        row.user_id = int(person) if person is not None else None
        row.signed_in_at, row.used_at = _moment(data, "signed_in_at"), _moment(data, "used_at")
        row.browser, row.address = data.get("browser", ""), data.get("address")
        return row

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            self.model.objects.filter(session_key=digest_of(key)).delete()


def _moment(data: dict[str, Any], name: str) -> datetime | None:
    stated = data.get(name)
    return datetime.fromtimestamp(stated, UTC) if isinstance(stated, (int, float)) else None
