"""`manage.py make_data_key`: a new key for DATA_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from brokerportal.data_keys import make_key


class Command(BaseCommand):
    help = (
        "Print a new key for DATA_KEYS. It is kept nowhere: put it first in DATA_KEYS, leave the "
        "keys before it behind it, restart, and run reseal_data."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(make_key())
