"""The address of the queue's Redis, as the environment gives it."""

from __future__ import annotations

from urllib.parse import urlsplit

HIGHEST_DATABASE = 9999


def redis_address(value: str) -> str:
    """The address, where it is one: redis://user:password@host:6379/0, or rediss:// for TLS.

    Raises ValueError, whose message repeats nothing of the address: a password may be in it.
    """
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        port = 0
        parts = urlsplit("redis://")
    if port == 0:
        raise ValueError("is malformed; write special characters of a password as %XX")
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname:
        raise ValueError("must be redis://host:6379/0, or rediss:// for TLS")
    number = parts.path.removeprefix("/")
    plain = number.isascii() and number.isdigit() and int(number) <= HIGHEST_DATABASE
    if number and not plain:
        raise ValueError("must end with the number of a Redis database, such as /0")
    # Options after a "?" could put away the check of the server's certificate.
    if parts.query or parts.fragment:
        raise ValueError("must have no options after the database's number")
    return value
