"""The app's settings, for tests: its own database, and nothing of the caller's environment."""

import os
import tempfile
from pathlib import Path

for name in (
    "NEXIO_API_KEY",
    "NEXIO_BASE_URL",
    "APP_ENV",
    "DEBUG",
    "ALLOWED_HOSTS",
    "PORT",
    "EMAIL_URL",
    "QUEUE_URL",
    "DATABASE_POOL",
    "DATA_KEYS",
):
    os.environ.pop(name, None)
_folder = Path(tempfile.gettempdir()) / f"brokerportal-tests-{os.getuid()}"
_folder.mkdir(mode=0o700, exist_ok=True)
os.environ["DATA_DIR"] = str(_folder)
os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL", "")
os.environ["LOG_LEVEL"] = "WARNING"
# Processes under test have folders of their own, and must open what the tests sealed.
os.environ["DATA_KEYS"] = "q0K3n1Vx7mZ4tB8yR2cW6pL9dF5gH0jS1aE3uI7oXkQ"

from brokerportal.settings import *  # noqa: E402, F403
from brokerportal.settings import DATABASES  # noqa: E402

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, not memory: threads and processes under test share it as in real life.
    DATABASES["default"]["TEST"] = {"NAME": str(_folder / f"test-{os.getpid()}.sqlite3")}
DATABASES["default"]["CONN_MAX_AGE"] = 0
# Signing in is not what most tests are about.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ACCOUNT_RATE_LIMITS = False  # type: ignore[assignment]
WHITENOISE_AUTOREFRESH = True
