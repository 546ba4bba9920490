"""Every text that the database can hold, as somebody who means harm would write it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, models
from django.db.models import QuerySet

from quotes.models import ColumnChoice, Insured, OpenSession, Run, User
from quotes.models.fields import DocumentField
from quotes.services import intake, reading
from quotes.services.attachments import add_attachments
from quotes.services.retention.holds import place_hold
from quotes.services.review.comments import write_comment
from tests import runs as made
from tests.access.world import World, broker_rows
from tests.decided import choose
from tests.factories import EXAMPLES, make_user
from tests.fake_nexio import completed

PAYLOADS = (
    '"><x-evil></x-evil><img src=/evil.png onerror=alert(1)>',
    "'><x-evil><svg/onload=alert(2)>",
    '" hx-get="/evil" hx-trigger="load" onfocus="alert(3)" autofocus x="',
    "</script><script src=/evil.js></script><script>alert(4)</script>",
    "</textarea></title></option></select><x-evil>",
    "<!--<x-evil>--><x-evil a=`>",
    "evil{{7*7}}{% debug %}${7*7}#{7*7}",
    "javascript:alert(5)//evil",
    '=HYPERLINK("https://evil.example","evil")',
    "+evil|' /C calc'!A0",
    "@SUM(1+1)*cmd|'evil'!A0",
    "-2+3+evil",
    '\u202eevil\u2066\u200b#image("/etc/passwd")#sys.inputs $x$',
)
"""Markup, htmx's attributes, templates, formulas, typesetting and letters that turn the line."""

STRUCTURE = {
    # Keys by whose values documents hang together, and which only take what we know.
    "state", "zip_code", "garaging_zip", "coverage_types", "category", "id", "quote_id",
    "package_id", "driver_id", "vehicle_id", "primary_driver", "quote_generated_at",
    "quote_expires_at", "date_of_birth", "program_type", "appetite_bucket", "term_months",
}  # fmt: skip
OURS = {
    # Columns in which we write what we know, or by which rows are found: codes, keys, digests.
    "identity_key", "key", "loose_key", "key_mark", "lease_owner", "sha256", "service_url",
    "base_url", "codes", "origins", "offering_lines", "mapping", "kind", "file", "content_type",
    "nexio_run_id", "matched_by", "username", "password", "lines", "coverage_types",
}  # fmt: skip
CHECKED = {"Insured.state", "Insured.zip_code"}
"""Columns whose form the database checks: letters and digits that no attack fits into."""
MINE = "quotes"
"""The app whose columns are filled; others' hold keys and codes of theirs."""


class Pen:
    """Writes one payload after the other, numbered and cut to what fits."""

    def __init__(self) -> None:
        self.written = 0

    def text(self, room: int | None) -> str:
        payload = f"{PAYLOADS[self.written % len(PAYLOADS)]} {self.written}"
        self.written += 1
        if room is not None and len(payload) > room:
            return f'{self.written}"><x-evil>'[:room]
        return payload

    def over(self, field: models.Field[Any, Any], stands: Any) -> Any:
        """What goes over a stored value: a document keeps its structure."""
        if isinstance(field, DocumentField):
            return self.document(stands)
        return self.text(field.max_length)

    def document(self, value: Any, key: str = "") -> Any:
        """The document with every text replaced that is no part of its structure."""
        if key in STRUCTURE:
            return value
        if isinstance(value, dict):
            return {name: self.document(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.document(inner, key) for inner in value]
        return self.text(110) if isinstance(value, str) else value


@contextmanager
def history_writable() -> Iterator[None]:
    """The database's own triggers put away: somebody who got past the app is not held by it."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")
            try:
                yield
            finally:
                cursor.execute("SET session_replication_role = origin")
            return
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        try:
            yield
        finally:
            for _, sql in triggers:
                cursor.execute(sql)


def texts_of(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    """The columns of a model in which people, files and replies write freely."""
    if model is OpenSession:
        return []  # a session's own, which nobody types
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField)
        and not (field.choices or field.unique or field.primary_key or field.name in OURS)
    ]


def fill_every_text(pen: Pen) -> list[str]:
    """Overwrite each such column of each row, but for those whose form the database itself checks;
    returns the names of those that had a row."""
    filled = []
    with history_writable():
        for model in apps.get_app_config(MINE).get_models():
            for field in texts_of(model) if QuerySet(model).exists() else ():
                name = f"{model.__name__}.{field.name}"
                if name in CHECKED:
                    continue
                for pk, stands in QuerySet(model).values_list("pk", field.name):
                    QuerySet(model).filter(pk=pk).update(**{field.name: pen.over(field, stands)})
                filled.append(name)
    return filled


def hostile_insured(pen: Pen, owner: User) -> Insured:
    """Imported as brokers import: the file says what it likes."""
    document = json.loads((EXAMPLES / "home_auto.json").read_bytes())
    document |= {"notes": "x", "later": [{"said": "x"}], "claims": [{"narrative": "x"}]}
    raw = json.dumps(pen.document(document)).encode()
    return intake.import_document(document=reading.read_document(raw), owner=owner).insured


def hostile_reply(pen: Pen, run: Run) -> Run:
    """What a Nexio that was taken over could answer."""
    usual = completed(run.request)
    for solution in usual["solutions"]:
        solution["cluster_label"] = pen.text(200)
        solution["rationale"] = pen.text(None)
        solution["scorecard"] |= {
            "dimensions": [{"name": pen.text(60), "level": 2, "explanation": pen.text(None)}],
            pen.text(60): 3, "summary": pen.text(None), "gaps": [pen.text(None)],
        }  # fmt: skip
        for offering in solution["offerings"]:
            offering["provider_name"] = pen.text(120)
    return made.answer(
        run,
        {
            "status": "degraded", "degradation_reason": pen.text(None), "stage": pen.text(60),
            **usual, "output": {"diagnostic": pen.text(None), "solutions_count": 2},
        },
    )  # fmt: skip


def hostile_world(people: dict[str, User], settings: Any, tmp_path: Any) -> tuple[World, list[str]]:
    """A broker's work in which every text is a payload; and the columns that were filled."""
    settings.ATTACHMENTS_DIR = tmp_path / "attachments"
    pen = Pen()
    colleague = make_user("colleague", "broker")
    world = broker_rows(people, colleague)
    insured = hostile_insured(pen, people["broker"])
    run = hostile_reply(pen, made.waiting_run(people["broker"], insured=insured))
    failed = made.failed_run(people["broker"], insured=insured)
    rejected = made.rejected_run(people["broker"], made.refused(pen.text(None)), insured=insured)
    for each in (run, failed, rejected):
        write_comment(run=each, author=people["manager"], text=pen.text(None))
    for payload in PAYLOADS:
        file = SimpleUploadedFile(
            payload.replace("/", "_") + ".pdf", b"%PDF-1.7 " + payload.encode()
        )
        add_attachments(insured=insured, files=[file], user=people["broker"])
    choose(run, people["broker"])
    ColumnChoice.objects.create(owner=people["broker"], heading="x", target="carrier")
    place_hold(insured=insured, actor=people["manager"], reason=pen.text(None))
    filled = fill_every_text(pen)
    world |= {"hostile": insured, "hostile_run": run, "failed": failed, "rejected": rejected}
    world["insured"], world["quote"] = insured, insured.quotes.first()
    return {**world, "person": people["other"]}, filled
