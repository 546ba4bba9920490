"""Seal everybody's second factor with today's SECRET_KEY, after it was changed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from quotes.services.second_factor import seal_anew


class Command(BaseCommand):
    help = (
        "Seal the secrets of second factors with today's SECRET_KEY. Run it after SECRET_KEY was "
        "changed, while SECRET_KEY_BEFORE still names the key before; that one may go afterwards."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done, lost = seal_anew()
        self.stdout.write(f"{done} sealed with today's SECRET_KEY.")
        if lost:
            raise CommandError(
                f"{lost} cannot be read: neither SECRET_KEY nor SECRET_KEY_BEFORE sealed them. "
                "They are as they were. Name the right key, or take them away from the people."
            )
