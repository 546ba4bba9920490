"""An XLSX of quotes previewed and imported, against the same read and saved row by row.

The straightforward way is that of `bench.import_quotes`; it has no preview of its own, so that it
imports twice, of which the first time would be rolled back.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.import_quotes import row_by_row, workbook
from bench.timing import statements
from bench.writes.growth import OURS, Growth, rolled_back
from quotes.models import User
from quotes.services.importing import entry
from quotes.services.origins import How
from quotes.services.roles import ensure_roles


def measure(sizes: Sequence[int], rounds: int) -> Growth:
    ensure_roles()
    owner = User.objects.create_user("bench")
    found = Growth("Import of an XLSX with its preview", "quotes", "row by row")
    counts = []
    for size in sizes:
        arriving = entry.Incoming(workbook(size), "quotes.xlsx", How.IMPORTED, owner)

        def ours(arriving: entry.Incoming = arriving) -> None:
            with rolled_back():
                entry.confirm(arriving, seal=entry.prepare(arriving).seal)

        def straight(arriving: entry.Incoming = arriving) -> None:
            for _ in ("preview", "import"):
                with rolled_back():
                    row_by_row(entry.read_incoming(arriving), owner)

        found.add(size, {OURS: ours, "row by row": straight}, rounds)
        counts.append(statements(ours))
    found.also["statements"] = counts
    return found
