"""The environment: every variable the app reads, validated together at start.

Nothing else in the project reads `os.environ` for configuration. A wrong environment stops the
process with one message that lists every mistake; the message never repeats a value, since a
value may be a secret.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import zoneinfo
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from brokerportal.data_keys import DATA_KEY_BYTES, data_key_bytes
from brokerportal.mail_address import MailServer, mail_server, portal_address, sender
from brokerportal.queue_address import redis_address
from quotes.nexio.address import is_loopback, validate_base_url, validate_key

BASE_DIR = Path(__file__).resolve().parent.parent

NEXIO_URL = "https://api.usenexio.com"
"""The service's address, as the integration guide gives it."""

SANDBOX_KEY = "nx_test_sandbox"
"""What the app says to the sandbox; the sandbox takes any key of the test form."""

MOST_LOGO = 250_000
"""Bytes of the agency's logo: it goes into every proposal."""
LOGO_BEGINS: dict[str, tuple[bytes, ...]] = {
    ".png": (b"\x89PNG",),
    ".jpg": (b"\xff\xd8",),
    ".jpeg": (b"\xff\xd8",),
    ".svg": (b"<svg", b"<?xml", b"<!--", b"<!DOCTYPE svg"),
}

NEEDED_FOR_MAIL = {
    "PORTAL_URL": "mails link to the app's pages",
    "MAIL_FROM": "mails come from somebody",
}

AUDIT_MINIMUM = 5
"""Years that what reconstructs a transaction stays at the least (23 NYCRR 500.06; three for the
access log). The database's triggers know the same floor."""
MOST_YEARS = 100

CommaList = Annotated[list[str], NoDecode]


class Environment(BaseSettings):
    """The app's settings as the environment gives them; see the table in README.md."""

    model_config = SettingsConfigDict(
        extra="ignore", case_sensitive=True, hide_input_in_errors=True
    )

    APP_ENV: Literal["local", "production"] = "local"
    DEBUG: bool = False
    SECRET_KEY: SecretStr = SecretStr("")
    SECRET_KEY_BEFORE: SecretStr = SecretStr("")
    DATA_KEYS: Annotated[list[SecretStr], NoDecode] = []
    SECOND_FACTOR: Literal["required", "optional"] | None = None
    ALLOWED_HOSTS: CommaList = []
    CSRF_TRUSTED_ORIGINS: CommaList = []
    TRUST_FORWARDED_PROTO: bool = False
    DATABASE_URL: SecretStr = SecretStr("")
    DATABASE_POOL: Annotated[int, Field(ge=1, le=64)] | None = None
    QUEUE_URL: SecretStr = SecretStr("")
    DATA_DIR: Path = BASE_DIR / "var"
    PORT: Annotated[int, Field(ge=1, le=65535)] = 8000
    WEB_BIND: Annotated[str, Field(pattern=r"^(|[^\s/]+:\d{1,5}|unix:/\S+)$")] = ""
    WEB_PROCESSES: Annotated[int, Field(ge=1, le=64)] = 1
    WEB_THREADS: Annotated[int, Field(ge=1, le=64)] = 8
    NEXIO_API_KEY: SecretStr = SecretStr("")
    NEXIO_BASE_URL: str = ""
    SANDBOX_PORT: Annotated[int, Field(ge=1, le=65535)] = 8787
    SANDBOX_SECONDS: Annotated[float, Field(ge=0, le=3600)] = 8.0
    OFFICE_TIME_ZONE: str = "America/New_York"
    LOG_LEVEL: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    WORKER_POLL_CONCURRENCY: Annotated[int, Field(ge=1, le=512)] = 128
    NEXIO_SUBMITS_PER_SECOND: Annotated[float, Field(ge=0, le=1000)] = 0
    AGENCY_NAME: Annotated[str, Field(max_length=120)] = ""
    AGENCY_ADDRESS: Annotated[str, Field(max_length=200)] = ""
    AGENCY_PHONE: Annotated[str, Field(max_length=40)] = ""
    AGENCY_LOGO: Path | None = None
    RETENTION_YEARS: int = 7
    PORTAL_URL: str = ""
    MAIL_FROM: str = ""
    EMAIL_URL: SecretStr = SecretStr("")
    SESSION_IDLE_MINUTES: Annotated[int, Field(ge=5, le=480)] = 60
    SESSION_HOURS: Annotated[int, Field(ge=1, le=24)] = 12
    PASSWORD_LINK_DAYS: Annotated[int, Field(ge=1, le=14)] = 3

    @field_validator("SECOND_FACTOR", "DATABASE_POOL", mode="before")
    @classmethod
    def _not_given(cls, value: Any) -> Any:
        return value or None

    @field_validator("ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "DATA_KEYS", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value

    @field_validator("AGENCY_NAME", "AGENCY_ADDRESS", "AGENCY_PHONE")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if any(ord(char) < 32 for char in value):
            raise ValueError("must be one line of text")
        return value.strip()

    @field_validator("AGENCY_LOGO", mode="before")
    @classmethod
    def _usable_logo(cls, value: Any) -> Any:
        if not value:
            return None
        path = Path(str(value))
        begins = LOGO_BEGINS.get(path.suffix.lower())
        if begins is None:
            raise ValueError("must be a .png, .jpg, .jpeg or .svg file")
        try:
            with path.open("rb") as file:
                content = file.read(MOST_LOGO + 1)
        except OSError:
            raise ValueError("names a file that cannot be read") from None
        if len(content) > MOST_LOGO:
            raise ValueError(f"must be a file of at most {MOST_LOGO // 1000} kB")
        if not content.lstrip().startswith(begins):
            raise ValueError("names a file that is not the kind of picture its name says")
        return path

    @field_validator("OFFICE_TIME_ZONE")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in zoneinfo.available_timezones():
            raise ValueError("is not a time zone; write one such as America/Chicago")
        return value

    @field_validator("DATABASE_URL")
    @classmethod
    def _known_database(cls, given: SecretStr) -> SecretStr:
        value = given.get_secret_value()
        if not value:
            return given
        try:
            parts = urlsplit(value)
            port = parts.port
        except ValueError:
            # A password with / or # in it ends up here, and must not end up in the message.
            port = 0
        if port == 0:
            raise ValueError("is malformed; write special characters of a password as %XX")
        if parts.scheme not in {"sqlite", "postgres", "postgresql"}:
            raise ValueError("must begin with postgresql:// or sqlite:///")
        return given

    @field_validator("QUEUE_URL")
    @classmethod
    def _known_queue(cls, given: SecretStr) -> SecretStr:
        if given.get_secret_value():
            redis_address(given.get_secret_value())
        return given

    @field_validator("NEXIO_API_KEY")
    @classmethod
    def _usable_key(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if value.get_secret_value():
            validate_key(value.get_secret_value())
        elif info.data.get("APP_ENV") == "production":
            raise ValueError("is needed in production, where no sandbox answers")
        return value

    @field_validator("NEXIO_BASE_URL")
    @classmethod
    def _usable_url(cls, value: str, info: ValidationInfo) -> str:
        if not value:
            return ""
        url = validate_base_url(value)
        # Without a key the demo's public passwords open the app and its pages say "Sandbox":
        # neither may be so while households go to another machine.
        if _keyless(info) and not is_loopback(urlsplit(url).hostname or ""):
            raise ValueError("is not on this machine, so NEXIO_API_KEY is needed as well")
        return url

    @field_validator("RETENTION_YEARS")
    @classmethod
    def _long_enough(cls, value: int) -> int:
        if not AUDIT_MINIMUM <= value <= MOST_YEARS:
            raise ValueError(
                f"must be {AUDIT_MINIMUM} to {MOST_YEARS} years: 23 NYCRR 500.06 asks for "
                f"{AUDIT_MINIMUM} of what reconstructs a transaction"
            )
        return value

    @field_validator("PORTAL_URL")
    @classmethod
    def _usable_portal_url(cls, value: str, info: ValidationInfo) -> str:
        return portal_address(value, https=info.data.get("APP_ENV") == "production")

    @field_validator("MAIL_FROM")
    @classmethod
    def _usable_sender(cls, value: str) -> str:
        return sender(value)

    @field_validator("EMAIL_URL")
    @classmethod
    def _usable_mail_server(cls, given: SecretStr, info: ValidationInfo) -> SecretStr:
        if given.get_secret_value():
            mail_server(given.get_secret_value())
            for name in ("PORTAL_URL", "MAIL_FROM"):
                if info.data.get(name) == "":  # a given one that is wrong has its own mistake
                    raise ValueError(f"needs {name} as well: {NEEDED_FOR_MAIL[name]}")
        return given

    @field_validator("SANDBOX_PORT")
    @classmethod
    def _port_of_its_own(cls, value: int, info: ValidationInfo) -> int:
        if _keyless(info) and value == info.data.get("PORT"):
            raise ValueError("is the same as PORT; the sandbox needs one of its own")
        return value

    # What production demands is asked of each variable by itself and not of all together, so
    # that a mistake in one does not hide the mistakes in others.

    @field_validator("SECRET_KEY")
    @classmethod
    def _secret_in_production(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        key = value.get_secret_value()
        weak = len(key) < 32 or len(set(key)) < 8 or "insecure" in key.lower()
        if info.data.get("APP_ENV") == "production" and weak:
            raise ValueError("must be a secret of at least 32 random characters in production")
        return value

    @field_validator("DATA_KEYS")
    @classmethod
    def _usable_data_keys(cls, value: list[SecretStr], info: ValidationInfo) -> list[SecretStr]:
        if info.data.get("APP_ENV") == "production" and not value:
            raise ValueError("is needed in production: make a key with manage.py make_data_key")
        keys = [key.get_secret_value() for key in value]
        for place, key in enumerate(keys, 1):
            if data_key_bytes(key) is None:
                raise ValueError(
                    f"key {place} must be {DATA_KEY_BYTES} bytes in URL-safe base64, as "
                    "manage.py make_data_key prints one"
                )
        if len({data_key_bytes(key) for key in keys}) < len(keys):
            raise ValueError("names a key twice")
        return value

    @field_validator("DEBUG")
    @classmethod
    def _no_debug_in_production(cls, value: bool, info: ValidationInfo) -> bool:
        if info.data.get("APP_ENV") == "production" and value:
            raise ValueError("must be off in production")
        return value

    @field_validator("SECOND_FACTOR")
    @classmethod
    def _required_in_production(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("APP_ENV") == "production" and value == "optional":
            raise ValueError("must be left out or required: in production everybody needs one")
        return value

    @field_validator("ALLOWED_HOSTS")
    @classmethod
    def _hosts_in_production(cls, value: list[str], info: ValidationInfo) -> list[str]:
        if info.data.get("APP_ENV") == "production" and (not value or "*" in value):
            raise ValueError("must name the hosts in production, such as portal.example.com")
        return value

    @property
    def production(self) -> bool:
        return self.APP_ENV == "production"

    @property
    def second_factor(self) -> str:
        """Whether everybody needs a second factor: `required` in production, elsewhere `optional`
        unless it is said otherwise."""
        return self.SECOND_FACTOR or ("required" if self.production else "optional")

    @property
    def uses_sandbox(self) -> bool:
        """Whether the stand-in answers instead of Nexio: true until a key is given."""
        return not self.NEXIO_API_KEY.get_secret_value()

    @property
    def nexio_url(self) -> str:
        if self.NEXIO_BASE_URL:
            return self.NEXIO_BASE_URL
        return f"http://127.0.0.1:{self.SANDBOX_PORT}" if self.uses_sandbox else NEXIO_URL

    @property
    def mail(self) -> MailServer | None:
        """The mail server notices go through; None where they are not mailed."""
        given = self.EMAIL_URL.get_secret_value()
        return mail_server(given) if given else None

    @property
    def nexio_key(self) -> str:
        return self.NEXIO_API_KEY.get_secret_value() or SANDBOX_KEY

    def secret_key(self) -> str:
        """The given SECRET_KEY; locally one made once and kept under DATA_DIR."""
        return self.SECRET_KEY.get_secret_value() or self._kept("secret_key", bytes_long=50)

    def data_keys(self) -> list[str]:
        """The given DATA_KEYS; locally one made once and kept under DATA_DIR."""
        given = [key.get_secret_value() for key in self.DATA_KEYS]
        return given or [self._kept("data_key", bytes_long=DATA_KEY_BYTES)]

    def _kept(self, name: str, *, bytes_long: int) -> str:
        path = self.DATA_DIR / name
        self.DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Written whole and then named: another process that starts now reads all of it or makes
        # none of its own.
        if not path.exists():
            made = self.DATA_DIR / f"{name}.{secrets.token_hex(8)}"
            made.touch(mode=0o600)
            made.write_text(secrets.token_urlsafe(bytes_long), encoding="ascii")
            with contextlib.suppress(FileExistsError):
                os.link(made, path)
            made.unlink()
        return path.read_text(encoding="ascii")


def _keyless(info: ValidationInfo) -> bool:
    """Whether no key was given; a given one that is unusable has its own mistake."""
    key = info.data.get("NEXIO_API_KEY")
    return isinstance(key, SecretStr) and not key.get_secret_value()


class Hidden(str):
    """A string for settings, which are printed (`manage.py diffsettings`, pages of faults)."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'**********'"


def read_environment() -> Environment:
    """Read and validate the environment; where SECRETS_DIR names a folder, also its files, each
    named like the variable that it holds. A variable goes before a file.

    Raises ImproperlyConfigured with one line for each mistake, naming the variable.
    """
    folder = os.environ.get("SECRETS_DIR") or None
    if folder is not None and not Path(folder).is_dir():
        raise ImproperlyConfigured("The environment is not usable:\n  SECRETS_DIR: is no folder")
    try:
        return Environment(_secrets_dir=folder)
    except OSError as error:
        name = Path(str(error.filename)).name
        raise ImproperlyConfigured(
            f"The environment is not usable:\n  {name}: its file in SECRETS_DIR cannot be read"
        ) from None
    except ValidationError as error:
        lines: list[str] = []
        for mistake in error.errors(include_input=False, include_url=False):
            name = ".".join(str(part) for part in mistake["loc"][:1])
            lines.append(f"{name}: {mistake['msg'].removeprefix('Value error, ')}")
        raise ImproperlyConfigured(
            "The environment is not usable:\n  " + "\n  ".join(lines)
        ) from None
