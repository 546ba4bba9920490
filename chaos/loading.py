"""The runs that are put through the storm: a household each, stored and started as the app does.

What was started is written down outside the database, since that is what nothing may be lost of.
All people are fictional, and all carry the canary that must turn up nowhere it should not.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chaos.canaries import BIRTH, SURNAME
from chaos.faults import chance_for
from chaos.journal import digest
from chaos.processes import ROOT
from quotes.models import Office, Role, Run, User
from quotes.services import intake, reading
from quotes.services.roles import ensure_roles
from quotes.services.runs import start_run

ENDS: Sequence[str] = ("",) * 8 + ("failed", "degraded")
"""How runs end at the stand-in: most are ranked."""


BROKER = "storm"


class Loader:
    """Starts runs one by one; the ledger says which."""

    def __init__(self, ledger: Path, *, seed: int, hints: bool = True) -> None:
        self.ledger = ledger
        self.broker = somebody(BROKER, Role.BROKER)
        self.loaded = 0
        self._seed = seed
        self._hints = hints
        self._example = json.loads((ROOT / "examples/home_auto.json").read_text())

    def load(self) -> Run:
        """Import the next household and start its comparison, as a broker would."""
        self.loaded += 1
        document = reading.read_document(json.dumps(self._household(self.loaded)).encode())
        found = intake.import_document(document=document, owner=self.broker)
        run = start_run(
            insured=found.insured,
            coverage_types=found.insured.requested_lines,
            started_by=self.broker,
            quotes=found.quotes,
            offered=found.offered,
            hint=self._hints,
        )
        with self.ledger.open("a") as ledger:
            asked = digest(bytes(run.request_body))
            ledger.write(json.dumps({"run": str(run.pk), "asked": asked}) + "\n")
        return run

    def _household(self, number: int) -> dict[str, Any]:
        made: dict[str, Any] = copy.deepcopy(self._example)
        name = f"Clementine {SURNAME}-{number}"
        made["applicant"] = {"name": name, "date_of_birth": BIRTH.isoformat()}
        made["drivers"][0]["name"] = name
        made["address"]["street"] = f"{number} Makebelieve Street"
        end = chance_for(self._seed, "end", number).choice(ENDS)
        if end:
            made["sandbox_scenario"] = end
        return made


def somebody(username: str, role: Role, **fields: Any) -> User:
    """A person of this role, made where there is none; nobody signs in as one."""
    from django.contrib.auth.models import Group

    ensure_roles()
    office, _ = Office.objects.get_or_create(name="Storm office")
    fields = {"office": office, **fields}
    person, created = User.objects.get_or_create(username=username, defaults=fields)
    if created:
        person.set_unusable_password()
        person.save()
        person.groups.add(Group.objects.get(name=role))
    return person


def read_ledger(path: Path) -> dict[str, str]:
    """The runs that were started, and the digest of each one's request."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {entry["run"]: entry["asked"] for entry in map(json.loads, lines)}
