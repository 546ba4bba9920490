"""Values sealed at rest: AES-256-GCM under keys that rotate.

The settings name the keys (`DATA_KEYS`). The first seals, all of them open, and each sealed value
says which one it needs. A value is bound to its table and column, so that one moved elsewhere does
not open there; to its row it is not, see docs/decisions/0017.

What is worth it is compressed before it is sealed: text shrinks to a quarter, which more than makes
up for what sealing adds.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
import secrets
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from brokerportal.data_keys import data_key_bytes

NONCE_BYTES = 12
TEXT_MARK = "sealed1:"
BYTES_MARK = b"\x93SEAL1"
KEY_ID_CHARS = 8
HEAD_BYTES = len(BYTES_MARK) + KEY_ID_CHARS // 2 + 4
"""Bytes of a sealed binary value that say by which key, and how many bytes are inside."""
SEALED_TEXT = re.compile(rf"{TEXT_MARK}([0-9a-f]{{{KEY_ID_CHARS}}}):")
WORTH_PACKING = 200
SAY_NOTHING = frozenset({"", "{}", "[]"})
"""Empty text and empty documents: they stay as they are."""
AS_IT_IS, PACKED = b"\x00", b"\x01"
MARK_CHARS = 24


class Unopened(Exception):
    """A sealed value stays shut; nothing of it is lost. The message says what to do."""


class DataKeyMissing(Unopened):
    """None of the keys that the settings name has sealed it."""

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        super().__init__(
            f"A stored value is sealed with the data key {key_id}, which DATA_KEYS does not name. "
            "Nothing is lost: put that key back into DATA_KEYS, behind the first, and restart."
        )


class SealBroken(Unopened):
    """The key is known, but the value was changed in the database, or stems from elsewhere."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"A sealed value in {where} does not open: it was changed past the app, or moved. "
            "Restore that row from a backup."
        )


@dataclass(frozen=True)
class DataKey:
    """One key; `id` tells it from others and says nothing of it."""

    id: str
    secret: bytes
    cipher: AESGCM

    @classmethod
    def read(cls, text: str) -> DataKey:
        """The key that `text` writes down, as DATA_KEYS does. Raises ValueError."""
        secret = data_key_bytes(text)
        if secret is None:
            raise ValueError("is no data key")
        key_id = hashlib.blake2b(secret, digest_size=KEY_ID_CHARS // 2, person=b"data-key")
        return cls(key_id.hexdigest(), secret, AESGCM(secret))


class Keyring:
    """The keys in use, the one that seals first."""

    def __init__(self, written: Sequence[str]) -> None:
        self.keys = [DataKey.read(text) for text in written]
        self._by_id = {key.id: key for key in self.keys}

    @property
    def first(self) -> DataKey:
        return self.keys[0]

    def named(self, key_id: str) -> DataKey:
        """The key of that id. Raises DataKeyMissing."""
        try:
            return self._by_id[key_id]
        except KeyError:
            raise DataKeyMissing(key_id) from None

    def __contains__(self, key_id: object) -> bool:
        return key_id in self._by_id


@lru_cache(maxsize=8)
def _keyring(written: tuple[str, ...]) -> Keyring:
    return Keyring(written)


def keyring() -> Keyring:
    """The keys that the settings name now."""
    return _keyring(tuple(settings.DATA_KEYS))


def seal_text(text: str, where: str) -> str:
    """`text` sealed for the column `where` ("table.column"); what says nothing stays."""
    if text in SAY_NOTHING:
        return text
    key = keyring().first
    sealed = _seal(key, _inside(text.encode("utf-8", "surrogatepass")), where.encode())
    return f"{TEXT_MARK}{key.id}:{binascii.b2a_base64(sealed, newline=False).decode('ascii')}"


def open_text(stored: str, where: str) -> str:
    """What was sealed; text that was never sealed as it is.

    Raises DataKeyMissing and SealBroken.
    """
    key_id = text_key(stored)
    if key_id is None:
        return stored
    key = keyring().named(key_id)
    try:
        sealed = binascii.a2b_base64(stored[len(TEXT_MARK) + KEY_ID_CHARS + 1 :])
    except (ValueError, binascii.Error):
        raise SealBroken(where) from None
    return _outside(_open(key, sealed, where.encode(), where)).decode("utf-8", "surrogatepass")


def text_key(stored: str) -> str | None:
    """The id of the key that sealed it; None for text that is not sealed."""
    found = SEALED_TEXT.match(stored)
    return found[1] if found else None


def seal_bytes(content: bytes, where: str) -> bytes:
    """As `seal_text`, for bytes. The head says how many there are, so that a page can say so."""
    if not content:
        return content
    key = keyring().first
    head = BYTES_MARK + bytes.fromhex(key.id) + len(content).to_bytes(4, "big")
    return head + _seal(key, _inside(content), head + where.encode())


def open_bytes(stored: bytes, where: str) -> bytes:
    """As `open_text`, for bytes."""
    key_id = bytes_key(stored)
    if key_id is None:
        return stored
    head = stored[:HEAD_BYTES]
    key = keyring().named(key_id)
    return _outside(_open(key, stored[HEAD_BYTES:], head + where.encode(), where))


def bytes_key(stored: bytes) -> str | None:
    """The id of the key that sealed it; None for bytes that are not sealed."""
    if not stored.startswith(BYTES_MARK) or len(stored) < HEAD_BYTES:
        return None
    return stored[len(BYTES_MARK) : len(BYTES_MARK) + KEY_ID_CHARS // 2].hex()


def size_inside(head: bytes, stored: int) -> int:
    """How many bytes a value holds, from its first `HEAD_BYTES` and how many are stored."""
    return stored if bytes_key(head) is None else int.from_bytes(head[-4:], "big")


def mark_of(text: str, key: DataKey | None = None) -> str:
    """By what the same text is found again and counted without opening it: nobody without the
    key works it out. By the key that seals, where none is given; empty for empty text."""
    if not text:
        return ""
    secret = (key or keyring().first).secret
    digest = hmac.digest(
        secret, b"mark of text\x00" + text.encode(errors="surrogatepass"), "sha256"
    )
    return digest.hex()[:MARK_CHARS]


def marks_of(text: str) -> list[str]:
    """The marks that rows may have of this text while keys change."""
    return [mark_of(text, key) for key in keyring().keys]


def _inside(content: bytes) -> bytes:
    if len(content) >= WORTH_PACKING:
        packed = zlib.compress(content, 1)
        if len(packed) < len(content):
            return PACKED + packed
    return AS_IT_IS + content


def _outside(inside: bytes) -> bytes:
    return zlib.decompress(inside[1:]) if inside[:1] == PACKED else inside[1:]


def _seal(key: DataKey, inside: bytes, bound_to: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + key.cipher.encrypt(nonce, inside, bound_to)


def _open(key: DataKey, sealed: bytes, bound_to: bytes, where: str) -> bytes:
    try:
        return key.cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError):
        raise SealBroken(where) from None
