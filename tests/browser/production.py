"""The app as it is served in production, over the database of the test: its own process, static
files gathered, fingerprinted and compressed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent.parent
ANSWERS_WITHIN = 60


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Gather the static files in `folder` and serve; the address."""
    environment = {**os.environ, **_environment(folder)}
    python = sys.executable
    gather = [python, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    subprocess.run(gather, cwd=ROOT, env=environment, check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serve = [python, "-m", "gunicorn", "brokerportal.wsgi", "--bind", f"127.0.0.1:{port}",
             "--threads", "4", "--log-level", "warning"]  # fmt: skip
    process = subprocess.Popen(serve, cwd=ROOT, env=environment)
    try:
        address = f"http://localhost:{port}"
        _wait(f"{address}/healthz", process)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _environment(folder: Path) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "tests.production_settings",
        "TEST_STATIC_ROOT": str(folder / "static"),
        "DATA_DIR": str(folder),
        "APP_ENV": "production",
        "SECRET_KEY": str(settings.SECRET_KEY),
        "ALLOWED_HOSTS": "localhost",
        "NEXIO_API_KEY": "nx_test_of_a_test",
        "DATABASE_URL": _database(),
    }


def _database() -> str:
    said = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{said['NAME']}"
    return (
        f"postgresql://{said['USER']}:{said['PASSWORD']}@{said['HOST']}:{said['PORT']}"
        f"/{said['NAME']}"
    )


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + ANSWERS_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(address).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the production server did not come up")
