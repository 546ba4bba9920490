"""`manage.py purge`: what is past its term; with `--really` it goes."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, ProgrammingError
from django.utils import timezone

from quotes.models import Insured
from quotes.services.retention.files import stray_files
from quotes.services.retention.purge import Kept, old_entries, purge_entries, purge_insured
from quotes.services.retention.rules import Verdict, cutoff, rule_words, verdicts

EXIT_FAILED = 1


class Command(BaseCommand):
    help = (
        "Say what is past its term and would be purged, and what is kept and why; nothing is "
        "deleted without --really. Run it with the owner's DATABASE_URL. What is left when it is "
        "stopped goes the next time. Exit 0, or 1 where something due could not be purged."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--really", action="store_true", help="delete for good")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        found = list(verdicts(now))
        due = [each for each in found if not each.kept]
        kept = [each for each in found if each.kept]
        self.stdout.write(f"Rule: {rule_words()}, so before {cutoff(now):%Y-%m-%d}.")
        self._say(due, kept)
        if not options["really"]:
            self._say_rest(now)
            return
        failed = self._purge(due, now)
        entries = self._guarded(lambda: purge_entries(now=now))
        strays = list(stray_files(now))
        for path in strays:
            path.unlink(missing_ok=True)
        self.stdout.write(
            f"Purged {len(due) - failed} insureds, {entries} entries of the access log and "
            f"{len(strays)} files that no row knew."
        )
        if failed:
            sys.exit(EXIT_FAILED)

    def _say(self, due: list[Verdict], kept: list[Verdict]) -> None:
        if due:
            oldest, newest = (pick(v.last_touched for v in due) for pick in (min, max))
            self.stdout.write(
                f"Due: {len(due)} insureds, last touched {oldest:%Y-%m-%d} to {newest:%Y-%m-%d}."
            )
            for verdict in due:
                self.stdout.write(f"  {verdict.insured}  {verdict.last_touched:%Y-%m-%d}")
        else:
            self.stdout.write("Due: nothing.")
        for why, count in sorted(Counter(each.kept for each in kept).items()):
            self.stdout.write(f"Kept: {count}, {why}.")
        for verdict in kept:
            if "hold" in verdict.kept:
                self.stdout.write(f"  {verdict.insured}  {verdict.kept}")

    def _say_rest(self, now: datetime) -> None:
        entries, strays = old_entries(now).count(), sum(1 for _ in stray_files(now))
        self.stdout.write(f"Entries of the access log past their term: {entries}.")
        self.stdout.write(f"Files that no row knows: {strays}.")
        self.stdout.write("Nothing was deleted: this was a dry run. --really deletes for good.")

    def _purge(self, due: list[Verdict], now: datetime) -> int:
        """One transaction an insured; how many could not go."""
        failed = 0
        for verdict in due:
            pk = verdict.insured
            try:
                self._guarded(lambda pk=pk: purge_insured(pk, now=now))
            except Insured.DoesNotExist:
                continue
            except Kept as error:
                self.stderr.write(f"{pk}: kept after all, {error}")
            except DatabaseError as error:
                failed += 1
                self.stderr.write(f"{pk}: not purged ({type(error).__name__}); nothing of it went")
        return failed

    def _guarded(self, act: Any) -> Any:
        try:
            return act()
        except ProgrammingError as error:
            if "permission denied" not in str(error):
                raise
            raise CommandError(
                "This database role may not purge. Run it with the owner's DATABASE_URL.",
                returncode=EXIT_FAILED,
            ) from None
