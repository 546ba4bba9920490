"""How fast a 1,000-quote XLSX is previewed and imported, against saving row by row.

Run by `make bench`. Both ways read the same file with the same reader, recognise households,
carriers and quotes already there, mark where values came from, and preview by doing everything
but keeping it. The straightforward way does it as one would write it first: `get_or_create` for
each household, a look and a `save()` for each quote and each line, in one transaction. It is
timed without the checks that ours makes beside (likely duplicates and misspellings).

The database is a throwaway SQLite file, or the one of DATABASE_URL, in which the benchmark makes
and drops a test database of its own.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
_folder = tempfile.TemporaryDirectory(prefix="brokerportal-bench-")
os.environ["DATA_DIR"] = _folder.name
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "brokerportal.settings")
os.environ["LOG_LEVEL"] = "WARNING"

import django  # noqa: E402

django.setup()

import xlsxwriter  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from quotes.models import Carrier, Insured, Quote, QuoteLine, User  # noqa: E402
from quotes.services import details, intake  # noqa: E402
from quotes.services.importing import entry  # noqa: E402
from quotes.services.importing.stated import StatedQuote  # noqa: E402
from quotes.services.origins import How, Origin, mark  # noqa: E402
from quotes.services.roles import ensure_roles  # noqa: E402

HEADINGS = (
    "Insured", "Street", "City", "State", "ZIP", "Carrier", "Package id", "Package premium",
    "Term (months)", "Expires", "Home premium", "Home quote id", "Home product", "Home form",
    "Home deductibles", "Auto premium", "Auto quote id", "Auto product", "Auto limits",
    "Umbrella premium", "Umbrella quote id", "Umbrella limit",
)  # fmt: skip
CARRIERS = ("Larkspur Mutual", "Tidewater Casualty", "Copperfield Specialty", "Quillback National")
FORMS, LIMITS, UMBRELLAS = ("HO-3", "HO-5"), ("100/300/100", "250/500/100", "500 CSL"), ("1M", "2M")
GOAL = 20


def workbook(quotes: int) -> bytes:
    """Households of four quotes with three lines each, as an agency would list them."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet("Quotes")
        sheet.write_row(0, 0, HEADINGS)
        for n in range(quotes):
            home, auto, umbrella = 3000 + n * 7 % 4000, 1800 + n * 3 % 2500, 300 + n % 400
            row = (
                f"Fictional Household {n // 4}", f"{n // 4} Makebelieve Row", "Irvine", "CA",
                "92602", CARRIERS[n % 4], f"P-{n}", home + auto + umbrella - 150, 12, "12/18/2026",
                home, f"H-{n}", "Signature", FORMS[n % 2], "$2,500 AOP", auto, f"A-{n}", "Select",
                LIMITS[n % 3], umbrella, f"U-{n}", UMBRELLAS[n % 2],
            )  # fmt: skip
            sheet.write_row(n + 1, 0, row)
    return out.getvalue()


def row_by_row(content: entry.Content, owner: User) -> None:
    """The straightforward way, carefully: once more changes nothing, and nothing is doubled."""
    for table in content.tables:
        for stated in table.quotes:
            _save(stated, owner)


def _save(stated: StatedQuote, owner: User) -> None:
    columns = stated.insured
    key = intake.name_key(columns["applicant_name"], columns["state"], columns["zip_code"])
    insured, created = Insured.objects.get_or_create(
        owner=owner, identity_key=key, defaults={k: v for k, v in columns.items() if v}
    )
    if created:
        mark(insured, columns, _origin(stated, ""))
        insured.save()
    carrier = Carrier.objects.named(stated.carrier_name)
    quote = insured.quotes.filter(package_id=stated.columns["package_id"]).first()
    if quote is None:
        last = insured.quotes.order_by("-position").first()
        quote = Quote(insured=insured, position=last.position + 1 if last else 0)
    wanted = {"carrier": carrier, "carrier_name": stated.carrier_name, **stated.columns}
    if _set(quote, wanted, stated) or quote._state.adding:
        quote.save()
    present = {line.line: line for line in quote.lines.all()}
    for place, (name, given) in enumerate(stated.lines.items()):
        line = present.get(name) or QuoteLine(
            quote=quote, line=name, position=quote.position * 10 + place
        )
        changed = _set(line, given.columns, stated)
        for code, text in given.details.items():
            if details.set_detail(line, code, text):
                mark(line, [code], _origin(stated, code))
                changed = True
        if changed:
            line.save()


def _set(row: Quote | QuoteLine, values: dict[str, Any], stated: StatedQuote) -> bool:
    changed = [name for name, value in values.items() if getattr(row, name, None) != value]
    for name in changed:
        setattr(row, name, values[name])
        mark(row, [name], _origin(stated, name))
    return bool(changed)


def _origin(stated: StatedQuote, heading: str) -> Origin:
    return Origin(How.IMPORTED, where=f"quotes.xlsx, row {stated.row}, {heading}")


def undone(act: Callable[[], Any]) -> float:
    """Seconds that `act` takes in a transaction that is rolled back afterwards."""
    with transaction.atomic():
        start = time.perf_counter()
        act()
        took = time.perf_counter() - start
        transaction.set_rollback(True)
    return took


def measured(owner: User, raw: bytes, runs: int) -> dict[str, Any]:
    """Seconds of every step of both ways, by name, `runs` times in turn."""
    arriving = entry.Incoming(raw, "quotes.xlsx", How.IMPORTED, owner)

    def read() -> float:
        start = time.perf_counter()
        entry.read_incoming(arriving)
        return time.perf_counter() - start

    def straight() -> None:
        row_by_row(entry.read_incoming(arriving), owner)

    def ours() -> None:
        entry.confirm(arriving, seal=entry.prepare(arriving).seal)

    def preview() -> float:
        start = time.perf_counter()
        entry.prepare(arriving)
        return time.perf_counter() - start

    steps: dict[str, Callable[[], float]] = {
        "reading the file": read,
        "preview": preview,
        "preview and import": lambda: undone(ours),
        "row by row, import": lambda: undone(straight),
        "row by row, preview and import": lambda: undone(straight) + undone(straight),
    }
    for step in steps.values():
        step()
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(runs):
        for name, step in steps.items():
            taken[name].append(step())
    return taken


def queries(owner: User, raw: bytes) -> int:
    arriving = entry.Incoming(raw, "quotes.xlsx", How.IMPORTED, owner)
    with CaptureQueriesContext(connection) as captured:
        undone(lambda: entry.confirm(arriving, seal=entry.prepare(arriving).seal))
    return len(captured)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quotes", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        report = _report(options.quotes, options.runs)
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(report, indent=2) + "\n")
        print(f"\nWritten to {options.json}")


def _report(quotes: int, runs: int) -> dict[str, Any]:
    ensure_roles()
    owner = User.objects.create_user("bench")
    raw = workbook(quotes)
    taken = measured(owner, raw, runs)
    medians = {name: statistics.median(values) for name, values in taken.items()}
    ratio = medians["row by row, preview and import"] / medians["preview and import"]
    both = ("row by row, preview and import", "preview and import")
    least = min(taken[both[0]]) / min(taken[both[1]])
    import_only = medians["row by row, import"] / medians["preview and import"]
    counts = {size: queries(owner, workbook(size)) for size in (quotes // 10, quotes)}
    print(
        f"{quotes:,} quotes, {len(raw) // 1024} KB of XLSX, {connection.vendor}, "
        f"Python {platform.python_version()}, median of {runs} runs (least to most)\n"
    )
    for name, values in taken.items():
        spread = f"{min(values) * 1000:,.0f} to {max(values) * 1000:,.0f}"
        print(f"  {name:<32}{medians[name] * 1000:>8,.0f} ms   ({spread})")
    print(f"\n  statements: {', '.join(f'{n} for {size:,} quotes' for size, n in counts.items())}")
    print(f"  preview and import, both ways: {ratio:.1f} times faster (goal {GOAL})")
    print(f"  the same of the least times, which noise only adds to: {least:.1f}")
    print(f"  against importing row by row without a preview: {import_only:.1f} times faster")
    return {
        "quotes": quotes,
        "database": connection.vendor,
        "python": platform.python_version(),
        "milliseconds": {
            name: [round(value * 1000, 1) for value in values] for name, values in taken.items()
        },
        "medians": {name: round(value * 1000, 1) for name, value in medians.items()},
        "statements": counts,
        "ratio": round(ratio, 1),
        "ratio_of_least": round(least, 1),
        "ratio_without_preview": round(import_only, 1),
        "goal": GOAL,
    }


if __name__ == "__main__":
    main()
