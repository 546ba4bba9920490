"""`manage.py ensure_roles`: the groups broker, manager and admin, with their permissions."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from quotes.services.roles import ensure_roles


class Command(BaseCommand):
    help = "Make the role groups and set their permissions; safe to run again after any upgrade."

    def handle(self, *args: Any, **options: Any) -> None:
        ensure_roles()
        self.stdout.write("The groups broker, manager and admin are in place.")
