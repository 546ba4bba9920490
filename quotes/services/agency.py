"""The agency as its papers name it: from the settings, with its logo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)
KINDS = {".png": "png", ".jpg": "jpg", ".jpeg": "jpg", ".svg": "svg"}


def agency_words() -> dict[str, Any]:
    """Name, address, phone, and the logo as `logo` (numbers of its bytes) with `logo_format`."""
    words: dict[str, Any] = {
        "name": settings.AGENCY_NAME,
        "address": settings.AGENCY_ADDRESS,
        "phone": settings.AGENCY_PHONE,
    }
    path = settings.AGENCY_LOGO
    if path is not None:
        try:
            words["logo"] = list(path.read_bytes())
            words["logo_format"] = KINDS[path.suffix.lower()]
        except OSError:
            # The logo was there at start; a proposal without one is better than none.
            log.warning("agency_logo_unreadable")
    return words


def without_logo(words: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in words.items() if not key.startswith("logo")}
