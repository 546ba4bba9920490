"""The one way in: what was pasted or dropped is read, previewed, and on a second word written."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from quotes.models import ColumnChoice, Insured, User
from quotes.services.importing import columns, json_files, sheets
from quotes.services.importing.duplicates import likely_duplicates
from quotes.services.importing.forecast import forecast
from quotes.services.importing.planning import Plan, plan_import
from quotes.services.importing.preview import Preview, sealed
from quotes.services.importing.rows import read_table
from quotes.services.importing.stated import Problem, StatedQuote, StatedTable
from quotes.services.importing.writing import write_plan
from quotes.services.origins import How, Origin
from quotes.services.reading import Document


@dataclass(frozen=True)
class Incoming:
    """What is to be imported, and for whom.

    `insured` is whose quotes these are where the table names nobody. `mapping` says what columns
    are, by `column_code`, where the broker said so.
    """

    raw: bytes
    name: str
    how: How
    owner: User
    insured: Insured | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """The file, as the origins of its values name it."""
        return self.name if self.how == How.IMPORTED else ""


@dataclass
class Content:
    """What was read, before it is compared with anything: documents, or tables."""

    documents: list[Document] = field(default_factory=list)
    tables: list[StatedTable] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """What was written: as the preview said, and the insureds it concerns, in their order."""

    preview: Preview
    insureds: list[UUID]


class NotImported(Exception):
    """Nothing was written. `preview` says how things stand now."""

    def __init__(self, preview: Preview) -> None:
        self.preview = preview
        super().__init__("nothing was imported")


class Blocked(NotImported):
    """The preview has problems."""


class ChangedMeanwhile(NotImported):
    """What is stored changed since the preview was made, so that the import would do otherwise."""


def column_code(table: int, column: int) -> str:
    """A column among all tables of a file, for a mapping."""
    return f"{table}:{column}"


def read_incoming(incoming: Incoming) -> Content:
    """Read and check, and compare with nothing. Raises reading.Unreadable."""
    if json_files.is_json(incoming.raw):
        return Content(documents=json_files.read_documents(incoming.raw))
    chosen = dict(
        ColumnChoice.objects.filter(owner=incoming.owner).values_list("heading", "target")
    )
    return _tables(incoming, chosen)


def _tables(incoming: Incoming, chosen: Mapping[str, str]) -> Content:
    if incoming.how == How.PASTED:
        found = [_headed(sheets.pasted_sheet(incoming.raw.decode("utf-8")), chosen)]
    else:
        found = sheets.read_sheets(incoming.raw, incoming.name)
    used = [each for each in found if columns.is_table(each, chosen)] or found[:1]
    left_out = [each.name for each in found if each not in used and each.rows]
    content = Content()
    if left_out:
        content.notes.append(
            Problem(
                f"{_listed(left_out)} left out: no heading row there names the columns",
                blocking=False,
            )
        )
    for number, sheet in enumerate(used):
        mapping = {
            int(code.partition(":")[2]): target
            for code, target in incoming.mapping.items()
            if code.startswith(f"{number}:")
        }
        table = read_table(sheet, chosen=chosen, mapping=mapping)
        where = incoming.source
        if len(used) > 1:
            where = f"{where}, {table.name}".strip(", ")
            table.problems = [
                replace(each, column=f"{table.name}, {each.column}".rstrip(", "))
                for each in table.problems
            ]
        for quote in table.quotes:
            quote.source = where
        content.tables.append(table)
    return content


def _headed(sheet: sheets.Sheet, chosen: Mapping[str, str]) -> sheets.Sheet:
    """A pasted block without a row of headings gets one, so that its columns can be named.

    Only the carrier is guessed: which price is whose is for the broker to say.
    """
    if columns.headings_of(sheet, chosen) or not sheet.rows:
        return sheet
    return columns.positional(sheet, ["carrier", *[""] * (sheet.width - 1)])


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"Sheet {shown} is" if len(names) == 1 else f"Sheets {shown} are"


@contextmanager
def _uncollected() -> Iterator[None]:
    """Hold Python's cycle collector off meanwhile.

    A table becomes tens of thousands of objects without a cycle among them, and the collector
    would go through all of them, and the whole app, several times: a third of the time.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@_uncollected()
def prepare(incoming: Incoming) -> Preview:
    """Say what importing would do. Raises reading.Unreadable; nothing is saved."""
    content = read_incoming(incoming)
    if content.documents:
        with transaction.atomic():
            preview, _ = _import_documents(incoming, content)
            transaction.set_rollback(True)
        return preview
    plan = plan_import(stated=_stated(content), owner=incoming.owner, target=incoming.insured)
    preview = _preview(incoming, content, plan)
    preview.warnings += likely_duplicates(incoming.owner, plan)
    return preview


@_uncollected()
def confirm(
    incoming: Incoming, *, seal: str | None = None, first: Callable[[], None] | None = None
) -> Outcome:
    """Write everything or nothing. `seal` is that of the preview that was confirmed, if any was.

    `first` is called in the transaction before all else; what it raises ends the import. Raises
    Blocked, ChangedMeanwhile and reading.Unreadable.
    """
    content = read_incoming(incoming)
    preview = Preview()
    try:
        with transaction.atomic():
            if first is not None:
                first()
            if content.documents:
                preview, touched = _import_documents(incoming, content)
                _check(preview, seal)
            else:
                plan = plan_import(
                    stated=_stated(content),
                    owner=incoming.owner,
                    target=incoming.insured,
                    lock=True,
                )
                preview = _preview(incoming, content, plan)
                try:
                    _check(preview, seal)
                except NotImported:
                    preview.warnings += likely_duplicates(incoming.owner, plan)
                    raise
                touched = write_plan(plan=plan, owner=incoming.owner, how=incoming.how)
                _remember_choices(incoming, content.tables)
    except IntegrityError:
        # Somebody made the same household, carrier or package between the look and the write.
        fresh = prepare(incoming)
        if fresh.seal == preview.seal:
            raise
        raise ChangedMeanwhile(fresh) from None
    return Outcome(preview, touched)


def _stated(content: Content) -> list[StatedQuote]:
    return [quote for table in content.tables for quote in table.quotes]


def _check(preview: Preview, seal: str | None) -> None:
    if seal is not None and preview.seal != seal:
        raise ChangedMeanwhile(preview)
    if preview.problems:
        raise Blocked(preview)


def _preview(incoming: Incoming, content: Content, plan: Plan) -> Preview:
    told = [problem for table in content.tables for problem in table.problems]
    preview = Preview(
        insureds=[forecast(each) for each in plan.insureds],
        tables=content.tables,
        problems=[each for each in told if each.blocking] + plan.problems,
        warnings=content.notes + [each for each in told if not each.blocking] + plan.warnings,
        removed=[heading for table in content.tables for heading in table.removed],
        seal=sealed(_written(incoming, content, plan)),
    )
    if not preview.insureds and not preview.problems:
        preview.problems.append(Problem("no quote was found: the table has headings and no rows"))
    return preview


def _written(incoming: Incoming, content: Content, plan: Plan) -> Iterator[object]:
    """What decides what is written: the file, what its columns are, and how it is matched.

    What a new quote states is the file's; of a stored one every change is named.
    """
    yield hashlib.sha256(incoming.raw).digest()
    yield [[heading.target for heading in table.headings] for table in content.tables]
    for insured in plan.insureds:
        yield insured.stored and insured.stored.pk, insured.identity_key, insured.changes
        for quote in insured.quotes:
            carrier = quote.carrier.pk or quote.carrier.name
            yield quote.stored and quote.stored.pk, carrier, quote.changes


def _import_documents(incoming: Incoming, content: Content) -> tuple[Preview, list[UUID]]:
    origin = Origin(
        incoming.how, where=incoming.source, by=incoming.owner.shown_name, at=timezone.now()
    )
    done = json_files.import_documents(
        documents=content.documents, owner=incoming.owner, target=incoming.insured, origin=origin
    )
    preview = Preview(
        insureds=done.insureds,
        problems=done.problems,
        warnings=done.warnings,
        removed=json_files.removed_keys(content.documents),
        seal=sealed(done.insureds),
    )
    return preview, done.touched


def _remember_choices(incoming: Incoming, tables: Sequence[StatedTable]) -> None:
    """Keep what the broker said of headings that we guess otherwise, for the next table."""
    kept: dict[str, str] = {}
    forgotten = []
    for number, table in enumerate(tables):
        for heading in table.headings:
            key = columns.heading_key(heading.text)
            nameless = heading.text == f"Column {columns.column_letters(heading.index)}"
            if nameless or not key or column_code(number, heading.index) not in incoming.mapping:
                continue
            if heading.target == heading.guess:
                forgotten.append(key)
            else:
                kept[key] = heading.target
    ColumnChoice.objects.filter(owner=incoming.owner, heading__in=forgotten).delete()
    ColumnChoice.objects.bulk_create(
        [ColumnChoice(owner=incoming.owner, heading=k, target=v) for k, v in kept.items()],
        update_conflicts=True,
        unique_fields=["owner", "heading"],
        update_fields=["target", "updated_at"],
    )
