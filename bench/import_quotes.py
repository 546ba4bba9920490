"""How fast a 1,000-quote XLSX is previewed and imported, against saving row by row.

Both ways read the same file with the same reader, recognise households, carriers and quotes
already there, mark where values came from, and preview by doing everything but keeping it. The
straightforward way does it as one would write it first: `get_or_create` for each household, a
look and a `save()` for each quote and each line, in one transaction. It is timed without the
checks that ours makes beside (likely duplicates and misspellings).
"""

from __future__ import annotations

import io
from argparse import Namespace
from typing import Any

import xlsxwriter

from bench.timing import Step, Taken, circumstances, in_turn, statements, timed, undone
from quotes.models import Carrier, Insured, Quote, QuoteLine, User
from quotes.services import details, intake
from quotes.services.importing import entry
from quotes.services.importing.stated import StatedQuote
from quotes.services.origins import How, Origin, mark
from quotes.services.roles import ensure_roles

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


def measured(owner: User, raw: bytes, rounds: int) -> Taken:
    """Every step of both ways."""
    arriving = entry.Incoming(raw, "quotes.xlsx", How.IMPORTED, owner)

    def straight() -> None:
        row_by_row(entry.read_incoming(arriving), owner)

    def ours() -> None:
        entry.confirm(arriving, seal=entry.prepare(arriving).seal)

    steps: dict[str, Step] = {
        "reading the file": lambda: timed(lambda: entry.read_incoming(arriving)),
        "preview": lambda: timed(lambda: entry.prepare(arriving)),
        "preview and import": lambda: undone(ours),
        "row by row, import": lambda: undone(straight),
        "row by row, preview and import": lambda: undone(straight) + undone(straight),
    }
    return in_turn(steps, rounds)


def queries(owner: User, raw: bytes) -> int:
    arriving = entry.Incoming(raw, "quotes.xlsx", How.IMPORTED, owner)
    return statements(
        lambda: undone(lambda: entry.confirm(arriving, seal=entry.prepare(arriving).seal))
    )


def run(options: Namespace) -> dict[str, Any]:
    """Measure, print and return the figures."""
    ensure_roles()
    owner = User.objects.create_user("bench")
    quotes = options.quotes
    raw = workbook(quotes)
    print(f"\n{quotes:,} quotes, {len(raw) // 1024} KB of XLSX, {circumstances(options.runs)}\n")
    taken = measured(owner, raw, options.runs)
    taken.say()
    both = ("row by row, preview and import", "preview and import")
    ratio, least = taken.ratio(*both), taken.ratio_of_least(*both)
    import_only = taken.ratio("row by row, import", "preview and import")
    counts = {size: queries(owner, workbook(size)) for size in (quotes // 10, quotes)}
    print(f"\n  statements: {', '.join(f'{n} for {size:,} quotes' for size, n in counts.items())}")
    print(f"  preview and import, both ways: {ratio:.1f} times faster (goal {GOAL})")
    print(f"  the same of the least times, which noise only adds to: {least:.1f}")
    print(f"  against importing row by row without a preview: {import_only:.1f} times faster")
    return {
        "quotes": quotes,
        **taken.report(),
        "statements": counts,
        "ratio": round(ratio, 1),
        "ratio_of_least": round(least, 1),
        "ratio_without_preview": round(import_only, 1),
        "goal": GOAL,
    }
