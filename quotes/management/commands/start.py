"""`manage.py start`: everything one machine needs, under one supervisor, until Ctrl-C."""

from __future__ import annotations

import shlex
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import Any

import honcho.manager
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from honcho.manager import Manager

from quotes.models import User
from quotes.services import demo
from quotes.services.roles import ensure_roles
from quotes.views.context import badge

HOST = "127.0.0.1"
ANSWERS_WITHIN = 60.0
"""Seconds; a machine that just installed everything may be slow at first."""
DRAIN_WITHIN = 8
"""Seconds: Ctrl-C must be over soon, even in the middle of a submission that hangs."""


class Command(BaseCommand):
    help = "Prepare the database and run sandbox (without a key), web server and worker."

    def handle(self, *args: Any, **options: Any) -> None:
        ports = {"PORT": settings.WEB_PORT}
        if settings.NEXIO_IS_SANDBOX:
            ports["SANDBOX_PORT"] = settings.SANDBOX_PORT
        for name, port in ports.items():
            self._check_free(name, port)
        call_command("migrate", verbosity=0, interactive=False)
        if not settings.DEMO_ACCOUNTS:
            ensure_roles()
        elif not demo.load_demo():
            print("This database holds real accounts or work: no demo was loaded.", flush=True)
        else:
            demo.load_past()
        honcho.manager.KILL_WAIT = DRAIN_WITHIN + 3  # it gives a process no time to drain else
        manager = Manager()
        for name, command in self._commands().items():
            manager.add_process(name, f"exec {shlex.join(command)}", cwd=str(settings.BASE_DIR))
        threading.Thread(target=self._announce, daemon=True).start()
        manager.loop()
        if manager.returncode not in (0, 130, 143):
            sys.exit(manager.returncode)

    def _check_free(self, name: str, port: int) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                raise CommandError(
                    f"Port {port} is taken by another program. "
                    f"Stop that, or choose another: {name}={port + 1} make run",
                    returncode=2,
                ) from None

    def _commands(self) -> dict[str, list[str]]:
        python, manage = sys.executable, str(settings.BASE_DIR / "manage.py")
        commands = {}
        if settings.NEXIO_IS_SANDBOX:
            commands["sandbox"] = [
                python, "-m", "sandbox", "--port", str(settings.SANDBOX_PORT),
                "--seconds", str(settings.SANDBOX_SECONDS),
                "--db", str(settings.DATA_DIR / "sandbox.sqlite3"),
            ]  # fmt: skip
        commands["web"] = [
            python, "-m", "gunicorn", "brokerportal.wsgi",
            "--bind", f"{HOST}:{settings.WEB_PORT}", "--threads", str(settings.WEB_THREADS),
            "--graceful-timeout", "3", "--log-level", "warning",
        ]  # fmt: skip
        commands["worker"] = [python, manage, "worker", "--drain-within", str(DRAIN_WITHIN)]
        return commands

    def _announce(self) -> None:
        """Say where the app is once it answers, or that it does not."""
        address = f"http://{HOST}:{settings.WEB_PORT}/"
        if not _answers(f"{address}healthz"):
            print(
                f"\n  Nothing answers at {address} after {ANSWERS_WITHIN:g} s. What is wrong may "
                "stand above.\n  Stop with Ctrl-C.\n",
                flush=True,
            )
            return
        lines = ["", f"  Broker portal: {address}   ({badge()['label']})"]
        if settings.DEMO_ACCOUNTS and (logins := demo.demo_logins()):
            lines.append("  Sign in as one of the demo's people:")
            lines += [
                f"    {login['username']:<10}{login['password']:<18}{login['role']}"
                for login in logins
            ]
        elif not User.objects.filter(is_active=True, is_demo=False).exists():
            lines.append("  Nobody can sign in yet. Create the first administrator with:")
            lines.append("    .venv/bin/python manage.py createsuperuser")
        lines += ["  Stop with Ctrl-C.", ""]
        print("\n".join(lines), flush=True)


def _answers(address: str) -> bool:
    ends = time.monotonic() + ANSWERS_WITHIN
    while time.monotonic() < ends:
        try:
            urllib.request.urlopen(address, timeout=2).close()  # noqa: S310
            return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False
