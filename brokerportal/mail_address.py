"""How the environment names the mail server, who mails come from, and where they lead."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from quotes.nexio.address import is_loopback

FORM = "must be like smtp+tls://user:password@mail.example.com:587"
PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
"""smtp+tls begins in the clear and turns to TLS (STARTTLS); smtps is TLS from the first byte."""


@dataclass(frozen=True, repr=False)
class MailServer:
    """A mail server. Not shown when printed: it holds a password."""

    host: str
    port: int
    user: str
    password: str
    use_tls: bool
    use_ssl: bool


def mail_server(value: str) -> MailServer:
    """Read smtp://, smtp+tls:// or smtps://, raising ValueError that does not repeat the value.

    Over plain smtp only this machine is spoken to: notices and a password would travel in the
    clear otherwise.
    """
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError(f"{FORM}; write special characters of a password as %XX") from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError(f"{FORM}, with smtp, smtp+tls or smtps")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError(f"{FORM} and nothing after it")
    if any(ord(char) < 33 for char in unquote(value)):
        raise ValueError(f"{FORM}, without spaces")
    if parts.scheme == "smtp" and not is_loopback(parts.hostname):
        raise ValueError("is not on this machine, so it must begin with smtp+tls:// or smtps://")
    return MailServer(
        host=parts.hostname,
        port=port or PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        use_tls=parts.scheme == "smtp+tls",
        use_ssl=parts.scheme == "smtps",
    )


def sender(value: str) -> str:
    """The address mails come from: "portal@example.com" or "Portal <portal@example.com>"."""
    if not value:
        return ""
    wrong = ValueError("must be an e-mail address, such as Portal <portal@example.com>")
    if any(ord(char) < 32 for char in value):
        raise wrong
    try:
        validate_email(parseaddr(value)[1])
    except ValidationError:
        raise wrong from None
    return value.strip()


def portal_address(value: str, *, https: bool) -> str:
    """Where people open the app, as links in mails begin: scheme and host, without a last "/"."""
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - raises for one that is no number
    except ValueError:
        raise ValueError("must be like https://portal.example.com") from None
    plain = parts.path in {"", "/"} and not (parts.query or parts.fragment or parts.username)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not plain:
        raise ValueError("must be like https://portal.example.com, without a path")
    if https and parts.scheme != "https":
        raise ValueError("must begin with https:// in production")
    return f"{parts.scheme}://{parts.netloc}"
