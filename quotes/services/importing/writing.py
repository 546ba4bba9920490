"""Write a plan: all of it or nothing, in a number of statements that no row adds to."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import simplejson
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from quotes.models import Carrier, CarrierAlias, Insured, Quote, QuoteLine, User
from quotes.models.carrier import carrier_key, loose_key
from quotes.services.importing.bulk import JsonText, insert_rows, update_rows
from quotes.services.importing.carriers import CarrierPlan
from quotes.services.importing.households import COLUMNS
from quotes.services.importing.planning import InsuredPlan, LinePlan, Plan, QuotePlan
from quotes.services.importing.preview import State
from quotes.services.importing.stated import StatedQuote
from quotes.services.origins import How, Origin

QUOTE_COLUMNS = (
    "carrier_name", "package_id", "package_premium_annual", "term_months", "generated_at",
    "expires_at", "broker",
)  # fmt: skip
LINE_COLUMNS = ("premium_annual", "quote_ref", "product_name")
BLANK: dict[str, Any] = {
    "package_premium_annual": None,
    "term_months": None,
    "generated_at": None,
    "expires_at": None,
    "premium_annual": None,
}
"""What is not stated, where that is no empty text."""
EMPTY = JsonText("{}")
ROW = "\N{OBJECT REPLACEMENT CHARACTER}"
"""Stands for the row's number while the words around it are made."""


@dataclass
class _Writer:
    """One import: who and when, and the order in which its quotes stand."""

    owner: User
    now: dt.datetime
    origins: _Origins
    insured_rows: list[list[Any]]
    quote_rows: list[list[Any]]
    line_rows: list[list[Any]]
    changed_insureds: list[list[Any]]
    changed_quotes: list[list[Any]]
    changed_lines: list[list[Any]]


@transaction.atomic
def write_plan(*, plan: Plan, owner: User, how: How) -> list[uuid.UUID]:
    """Write `plan`, made under locks in this transaction; the insureds it touches, in its order.

    Raises IntegrityError when somebody made the same household, carrier or package meanwhile;
    then nothing is written.
    """
    _make_carriers(plan.new_carriers)
    now = timezone.now()
    writer = _Writer(owner, now, _Origins(owner, how, now), [], [], [], [], [], [])
    positions = _next_positions(plan)
    touched = [_collect(writer, each, positions) for each in plan.insureds]
    insert_rows(Insured, INSURED_INSERT, writer.insured_rows)
    update_rows(Insured, INSURED_UPDATE, writer.changed_insureds)
    insert_rows(Quote, QUOTE_INSERT, writer.quote_rows)
    update_rows(Quote, QUOTE_UPDATE, writer.changed_quotes)
    insert_rows(QuoteLine, LINE_INSERT, writer.line_rows)
    update_rows(QuoteLine, LINE_UPDATE, writer.changed_lines)
    return touched


INSURED_INSERT = (
    "id", "owner", *COLUMNS, "identity_key", "document", "body_document", "origins", "created_at",
    "updated_at",
)  # fmt: skip
INSURED_UPDATE = (*COLUMNS, "identity_key", "origins", "updated_at")
QUOTE_INSERT = (
    "id", "insured", "position", "carrier", *QUOTE_COLUMNS, "in_input_quotes", "document",
    "origins", "created_at", "updated_at",
)  # fmt: skip
QUOTE_UPDATE = ("carrier", *QUOTE_COLUMNS, "origins", "updated_at")
LINE_INSERT = (
    "id", "quote", "line", "position", *LINE_COLUMNS, "offering_id", "document",
    "offering_document", "details", "origins",
)  # fmt: skip
LINE_UPDATE = (*LINE_COLUMNS, "details", "origins")


def _make_carriers(new: list[CarrierPlan]) -> None:
    made = Carrier.objects.bulk_create([Carrier(name=each.name) for each in new])
    for planned, carrier in zip(new, made, strict=True):
        planned.pk = carrier.pk
    CarrierAlias.objects.bulk_create(
        [
            CarrierAlias(
                carrier=each,
                name=each.name,
                key=carrier_key(each.name),
                loose_key=loose_key(each.name),
            )
            for each in made
        ]
    )


def _next_positions(plan: Plan) -> dict[uuid.UUID, int]:
    pks = [each.stored.pk for each in plan.insureds if each.stored]
    if not pks:
        return {}
    last = Quote.objects.filter(insured__in=pks).order_by().values_list("insured")
    return {pk: position + 1 for pk, position in last.annotate(last=Max("position"))}


def _collect(
    writer: _Writer, planned: InsuredPlan, positions: Mapping[uuid.UUID, int]
) -> uuid.UUID:
    stored = planned.stored
    pk = stored.pk if stored else uuid.uuid4()
    told = [
        writer.origins.entry(
            planned.home.stated_in[name], planned.home.stated_in[name].headings, name
        )
        for name in planned.columns
    ]
    origins = JsonText(f"{{{', '.join(told)}}}")
    if stored is None:
        values = [planned.columns.get(name, "") for name in COLUMNS]
        writer.insured_rows.append(
            [pk, writer.owner.pk, *values, planned.identity_key, EMPTY, EMPTY, origins, writer.now,
             writer.now]
        )  # fmt: skip
    elif planned.changes or any(quote.state != State.UNCHANGED for quote in planned.quotes):
        values = [planned.columns.get(name, getattr(stored, name)) for name in COLUMNS]
        writer.changed_insureds.append(
            [*values, planned.identity_key, {**stored.origins, **_loaded(origins)}, writer.now, pk]
        )
    position = positions.get(pk, 0)
    for quote in planned.quotes:
        _collect_quote(writer, quote, pk, position)
        position += quote.stored is None
    return pk


def _collect_quote(writer: _Writer, planned: QuotePlan, insured: uuid.UUID, position: int) -> None:
    stored, columns = planned.stored, planned.columns
    if stored is None:
        pk = uuid.uuid4()
        stated = {"carrier_name": planned.stated.carrier_name, **columns}
        origins = writer.origins.text(planned.stated, planned.stated.headings, stated)
        values = [stated.get(name, BLANK.get(name, "")) for name in QUOTE_COLUMNS]
        writer.quote_rows.append(
            [pk, insured, position, planned.carrier.pk, *values, True, EMPTY, origins, writer.now,
             writer.now]
        )  # fmt: skip
    else:
        pk, position = stored.pk, stored.position
        if planned.changes:
            came = writer.origins.value(planned.stated, planned.stated.headings, columns)
            values = [columns.get(name, getattr(stored, name)) for name in QUOTE_COLUMNS]
            writer.changed_quotes.append(
                [planned.carrier.pk, *values, {**stored.origins, **came}, writer.now, pk]
            )
    for line in planned.lines:
        _collect_line(writer, planned.stated, line, pk, position)


def _collect_line(
    writer: _Writer, stated: StatedQuote, planned: LinePlan, quote: uuid.UUID, position: int
) -> None:
    stored, columns = planned.stored, planned.columns
    if stored is None:
        origins = writer.origins.text(stated, planned.headings, [*columns, *planned.details])
        values = [columns.get(name, BLANK.get(name, "")) for name in LINE_COLUMNS]
        place = position * 10 + LINE_PLACES[planned.name]
        writer.line_rows.append(
            [uuid.uuid4(), quote, planned.name, place, *values, "", EMPTY, EMPTY,
             planned.details, origins]
        )  # fmt: skip
    elif planned.touched:
        came = writer.origins.value(stated, planned.headings, planned.headings)
        values = [columns.get(name, getattr(stored, name)) for name in LINE_COLUMNS]
        writer.changed_lines.append(
            [*values, planned.details, {**stored.origins, **came}, stored.pk]
        )


LINE_PLACES = {"home": 0, "auto": 1, "umbrella": 2}


class _Origins:
    """Says where values came from: "quotes.xlsx, row 4, Home premium".

    There is one for every cell of a table. All that differs between them is the row and the
    heading, so each heading's words are made into JSON once.
    """

    def __init__(self, owner: User, how: How, now: dt.datetime) -> None:
        self.origin = Origin(how, by=owner.shown_name, at=now)
        self.parts: dict[tuple[str, str], tuple[str, str]] = {}

    def entry(self, stated: StatedQuote, headings: Mapping[str, str], name: str) -> str:
        """The origin of one column, as a member of a JSON object."""
        key = (stated.source, headings.get(name, ""))
        before, after = self.parts.get(key) or self._around(*key)
        return f'"{name}": {before}{stated.row}{after}'

    def text(
        self, stated: StatedQuote, headings: Mapping[str, str], names: Iterable[str]
    ) -> JsonText:
        """The origins of `names`, as `origins.mark` would write them, as JSON."""
        told = ", ".join([self.entry(stated, headings, name) for name in names])
        return JsonText(f"{{{told}}}")

    def value(
        self, stated: StatedQuote, headings: Mapping[str, str], names: Iterable[str]
    ) -> dict[str, Any]:
        """The same to be laid over origins that are stored."""
        return _loaded(self.text(stated, headings, names))

    def _around(self, source: str, heading: str) -> tuple[str, str]:
        """What stands before and after the number of the row, in JSON."""
        start = f"{source[:180]}, row " if source else "row "
        where = f"{start}{ROW}, {heading[:100]}" if heading else f"{start}{ROW}"
        document = simplejson.dumps(replace(self.origin, where=where).as_json())
        before, _, after = document.rpartition(simplejson.dumps(ROW).strip('"'))
        self.parts[source, heading] = before, after
        return before, after


def _loaded(text: JsonText) -> dict[str, Any]:
    value: dict[str, Any] = simplejson.loads(text)
    return value
