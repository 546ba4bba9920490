"""How `DATA_KEYS` writes a key down."""

from __future__ import annotations

import base64
import secrets

DATA_KEY_BYTES = 32


def make_key() -> str:
    """A new key, as `DATA_KEYS` writes one."""
    return secrets.token_urlsafe(DATA_KEY_BYTES)


def data_key_bytes(key: str) -> bytes | None:
    """The bytes of a data key, in URL-safe base64; None for what is none."""
    try:
        found = base64.b64decode(key + "=" * (-len(key) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    return found if len(found) == DATA_KEY_BYTES else None
