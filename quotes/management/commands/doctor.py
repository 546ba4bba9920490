"""`manage.py doctor`: is the place well? A checklist for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from quotes.services.operations import read_operations
from quotes.services.operations_checks import check_all, worst

STATUS = {"ok": 0, "warn": 1, "fail": 2}


class Command(BaseCommand):
    help = "Say how the place is doing. Exit status: 0 all is well, 1 warnings, 2 something fails."
    # It must say what is wrong, not stop at the first thing that is.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        reading = read_operations(now=timezone.now())
        checks = check_all(reading)
        level = worst(checks)
        if options["json"]:
            said = {
                "status": level,
                "at": reading.at.isoformat(),
                "checks": [asdict(check) for check in checks],
            }
            self.stdout.write(json.dumps(said, indent=2, ensure_ascii=False))
        else:
            for check in checks:
                self.stdout.write(f"{check.level:<5} {check.label:<19} {check.says}")
                if check.do:
                    self.stdout.write(f"{'':<25} → {check.do}")
        if status := STATUS[level]:
            sys.exit(status)
