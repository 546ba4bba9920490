"""`manage.py send_notices`: what the worker does for notices by itself, once, for cron."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from quotes.services.notices.tending import tend


class Command(BaseCommand):
    help = "Write notices of prices that end soon, and mail what is due where mail is set up."

    def handle(self, *args: Any, **options: Any) -> None:
        done = tend(timezone.now())
        self.stdout.write(
            f"{done['expiring']} runs told of whose prices end soon, {done['mailed']} mails sent."
        )
