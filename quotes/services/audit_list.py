"""The access log, of one insured or whole, as a list and as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import simplejson
from django.db.models import Exists, OuterRef
from django.utils import timezone

from quotes.models import AuditEvent, Deed, ExportPart, Insured, Run, User
from quotes.models.audit import AuditEventQuerySet
from quotes.services.exports.files import as_text

PAGE_SIZE = 50
CHUNK = 500
PEOPLE = ("user", "from", "to", "successor")
"""Data of an entry that name a person by number: a page says who it is, the file has the number."""
UNTOLD = frozenset({"pk", "account", "hold", "codes"})
CUT_DOWN = ", not ended: runs of it may have left"
TITLES = (
    "Time", "Person", "Username", "Deed", "What", "Run", "Insured id", "Run id", "Details",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """An entry with the words a page and a file show of it."""

    event: AuditEvent
    who: str
    what: str
    insured: str
    run_number: int | None
    details: str


@dataclass(frozen=True)
class AuditPage:
    """Entries, latest first; `newer` and `older` are the ids to go on from, None at the ends."""

    lines: list[Line]
    newer: int | None
    older: int | None


def audit_page(
    rows: AuditEventQuerySet, *, before: int | None = None, after: int | None = None
) -> AuditPage:
    """The page of entries older than `before` or newer than `after`, else the latest.

    Paged by key: an entry that comes in meanwhile moves no page, and none is counted through.
    """
    if after is not None:
        found = list(_read(rows.filter(pk__gt=after).order_by("pk"))[: PAGE_SIZE + 1])
        more, found = len(found) > PAGE_SIZE, found[:PAGE_SIZE][::-1]
        if len(found) < PAGE_SIZE:
            return audit_page(rows)
        return AuditPage(lines_of(found), found[0].pk if more else None, found[-1].pk)
    older = rows.filter(pk__lt=before) if before is not None else rows
    found = list(_read(older.order_by("-pk"))[: PAGE_SIZE + 1])
    more, found = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
    newer = found[0].pk if found and before is not None else None
    return AuditPage(lines_of(found), newer, found[-1].pk if more else None)


def people_in(rows: AuditEventQuerySet) -> list[User]:
    """Whoever has an entry among `rows`, by name."""
    who = rows.order_by().values("actor").distinct()
    return sorted(User.objects.filter(pk__in=who), key=lambda user: user.shown_name.lower())


def audit_csv(rows: AuditEventQuerySet) -> Iterator[bytes]:
    """The entries as CSV, latest first, some hundreds at a time: no cursor is held open however
    slowly they are taken. No cell is a formula."""
    yield b"\xef\xbb\xbf" + _csv_rows([list(TITLES)])
    before: int | None = None
    while True:
        part = rows if before is None else rows.filter(pk__lt=before)
        found = list(_read(part.order_by("-pk"))[:CHUNK])
        if found:
            yield _csv_rows([_cells(line) for line in lines_of(found)])
        if len(found) < CHUNK:
            return
        before = found[-1].pk


def lines_of(events: Sequence[AuditEvent]) -> list[Line]:
    refs = {event.run_ref for event in events if event.run_ref}
    numbers: dict[UUID, int] = dict(Run.objects.filter(pk__in=refs).values_list("pk", "number"))
    named = {number for event in events for number in _people_of(event.data)}
    names = {user.pk: user.shown_name for user in User.objects.filter(pk__in=named)}
    ends = _ends_of(events)
    about = {event.insured_ref for event in events if event.insured_ref}
    insureds = Insured.objects.filter(pk__in=about).only("applicant_name")
    called = {insured.pk: insured.shown_name for insured in insureds}
    return [
        Line(
            event=event,
            who=_who(event),
            what=event.what + ends.get(event.pk, ""),
            insured=called.get(event.insured_ref, "") if event.insured_ref else "",
            run_number=numbers.get(event.run_ref) if event.run_ref else None,
            details=_details(event.data, names),
        )
        for event in events
    ]


def _ends_of(events: Sequence[AuditEvent]) -> dict[int, str]:
    """How the exports of lists among `events` ended, in words to put after what they were."""
    open_ends = {each.pk for each in events if each.deed == Deed.EXPORTED and not each.insured_ref}
    words = {}
    for end in ExportPart.objects.filter(event__in=open_ends, insured_ref__isnull=True):
        runs = f"{end.rows:,} {'run' if end.rows == 1 else 'runs'}"
        words[end.event_id] = (
            f", {runs} in all" if end.complete else f", broken off: {runs} at most"
        )
    begun = Exists(ExportPart.objects.filter(event=OuterRef("pk")))
    cut_down = AuditEvent.objects.filter(begun, pk__in=open_ends - words.keys())
    return words | dict.fromkeys(cut_down.values_list("pk", flat=True), CUT_DOWN)


def _read(rows: AuditEventQuerySet) -> AuditEventQuerySet:
    return rows.select_related("actor")


def _who(event: AuditEvent) -> str:
    """The person; for a command the system's account that ran it."""
    if event.actor is not None:
        return str(event.actor.shown_name)
    account = event.data.get("account") if isinstance(event.data, dict) else None
    return f"{account} (command line)" if account else "The app"


def _people_of(data: Any) -> list[int]:
    """The numbers of the people whom an entry's data names."""
    if not isinstance(data, dict):
        return []
    return [data[name] for name in PEOPLE if isinstance(data.get(name), int)]


def _details(data: Any, names: Mapping[int, str]) -> str:
    """ "quote 6f…, reason …": what an entry says besides, without ids that have a place already,
    and with people by name."""
    if not isinstance(data, dict):
        return ""
    said = []
    for name, value in data.items():
        if name in UNTOLD or value == "":
            continue
        if name == "searched":
            said += ["and a search"] if value else []
            continue
        if name == "position" and isinstance(value, int):
            said.append(f"place {value + 1} in the reply")  # kept from 0, as addresses count
            continue
        words = _plain((names.get(value, value) or "nobody") if name in PEOPLE else value)
        said.append(words if name == "changes" else f"{name.replace('_', ' ')} {words}")
    return ", ".join(said)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(each, bool) for each in value):
        return " → ".join(map(_plain, value))
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return "; ".join(value)
    return value if isinstance(value, str) else str(simplejson.dumps(value, use_decimal=True))


def _cells(line: Line) -> list[str]:
    event = line.event
    return [
        timezone.localtime(event.at).isoformat(sep=" ", timespec="seconds"),
        line.who,
        event.actor.username if event.actor else "",
        str(event.get_deed_display()),
        line.what,
        str(line.run_number or ""),
        str(event.insured_ref or ""),
        str(event.run_ref or ""),
        simplejson.dumps(event.data, use_decimal=True, ensure_ascii=False) if event.data else "",
    ]


def _csv_rows(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([as_text(cell) for cell in row] for row in rows)
    return out.getvalue().encode()
