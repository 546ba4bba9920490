"""Works out anew what the list of runs and the dashboard read; says what differed."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from quotes.models import Run
from quotes.services.dashboard.keeping import keep_days, keep_months
from quotes.services.run_facts import BATCH, refresh_many

MOST_NAMED = 20


class Command(BaseCommand):
    help = (
        "Work out anew what the list of runs and the dashboard read of every run, and write what "
        "differs. May be run at any time, beside a working app."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--missing", action="store_true", help="only runs that have no facts yet"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        runs = Run.objects.filter(fact__isnull=True) if options["missing"] else Run.objects.all()
        ids = list(runs.order_by("created_at").values_list("pk", flat=True))
        differing = 0
        for pk, differed in refresh_many(ids, BATCH):
            differing += 1
            if differing <= MOST_NAMED:
                what = "had no facts" if "run" in differed else ", ".join(sorted(differed))
                self.stdout.write(f"run {pk}: {what}")
        if differing > MOST_NAMED:
            self.stdout.write(f"… and {differing - MOST_NAMED} more.")
        self.stdout.write(f"{len(ids)} looked at, {differing} written anew.")
        months = keep_months(timezone.now(), most=None)
        keep_days(timezone.now(), most=None)
        self.stdout.write(f"{months} month{'' if months == 1 else 's'} kept for the dashboard.")
