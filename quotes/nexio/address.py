"""Where Nexio is and with which key: the rules both must meet before anything is sent."""

import ipaddress
import json
import re
from typing import Never
from urllib.parse import urlsplit

_KEY_SHAPE = re.compile(r"nx_([A-Za-z0-9-]{1,32})_.+", re.DOTALL)
_SHORTEST_REDACTED = 8


class Secret:
    """A string that shows itself only when asked, and is never pickled."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The string itself, for the one header it belongs in."""
        return self._value

    def redact(self, data: bytes) -> bytes:
        """``data`` with the string starred out: plain, as JSON may escape it, and where ``data``
        breaks off in the middle of it.  The length stays the same, so that a later cut at a fixed
        length uncovers nothing.  A string under 8 characters is left: it would hit by chance."""
        if len(self._value) < _SHORTEST_REDACTED:
            return data
        plain = self._value.encode()
        escaped = json.dumps(self._value)[1:-1].encode()
        for form in {plain, escaped, escaped.replace(b"/", b"\\/")}:
            data = data.replace(form, b"*" * len(form))
        for length in range(len(plain) - 1, _SHORTEST_REDACTED, -1):
            if data.endswith(plain[:length]):
                return data[:-length] + b"*" * length
        return data

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __reduce__(self) -> Never:
        raise TypeError("a secret is not pickled")


def validate_base_url(url: str) -> str:
    """The address requests are made under, without a trailing slash.

    https, or http to this machine alone (localhost, 127.0.0.0/8, ::1); host and optional port; a
    path prefix is kept; no user name, query or fragment, and no number in disguise.  Raises
    ValueError saying which rule is broken and never repeating the address, which may hold a
    password.
    """
    if not url or not url.isascii() or not url.isprintable() or re.search(r"[\s\\]", url):
        raise ValueError("the address must be plain ASCII without spaces or backslashes")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("the address has a malformed host or port") from None
    if parts.scheme not in ("http", "https"):
        raise ValueError("the address must start with https://")
    if "@" in parts.netloc:
        raise ValueError("the address must not hold a user name or password")
    if not host or port == 0 or parts.netloc.endswith(":"):
        raise ValueError("the address has a malformed host or port")
    if "?" in url or "#" in url:
        raise ValueError("the address must not have a query or fragment")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("plain http is allowed to this machine only; use https://")
    if not _goes_somewhere(host):
        raise ValueError("the host of the address must be a name, or an IP address of a machine")
    if any(step in (".", "..") for step in parts.path.split("/")):
        raise ValueError("the path of the address must not contain . or ..")
    path = parts.path.rstrip("/")
    if path.endswith(("/api/v1", "/api/v1/jobs")):
        raise ValueError("leave /api/v1 off the address; it is added")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _goes_somewhere(host: str) -> bool:
    """Whether a host is a name or one machine's address.

    Not a number in another spelling (2130706433, 0x7f.1, 127.1, which resolvers take for an
    address while rules take it for a name), and not an address that no service of Nexio's has:
    link-local, where clouds serve their credentials, multicast or unspecified.
    """
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        last = host.rstrip(".").rpartition(".")[2]
        return not re.fullmatch(r"[0-9]+|0[xX][0-9a-fA-F]*", last) and "%" not in host
    mapped = getattr(found, "ipv4_mapped", None) or found
    return not (mapped.is_link_local or mapped.is_multicast or mapped.is_unspecified)


def is_loopback(host: str) -> bool:
    """Whether the host of an address is this machine itself."""
    if host == "localhost":
        return True
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return False
    return found.is_loopback


def validate_key(key: str) -> Secret:
    """The key, hidden.  Raises ValueError, naming nothing of it, unless it is printable ASCII
    without white space (anything else could not be sent in a header, or would end up in the
    error message of a library that tried)."""
    if not key:
        raise ValueError("the API key is empty")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError("the API key must be printable ASCII without white space")
    return Secret(key)


def key_environment(key: str) -> str | None:
    """The environment a key is for: "test" of ``nx_test_…``, "live" of ``nx_live_…``, the slug
    of ``nx_<slug>_…``; None where the key has another form."""
    match = _KEY_SHAPE.fullmatch(key)
    return match.group(1) if match else None
