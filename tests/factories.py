"""Rows for tests, made the way the app makes them where that is what matters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile

from quotes.models import Attachment, Insured, Office, Quote, Role, Run, User
from quotes.services import intake, reading
from quotes.services.attachments import add_attachments
from quotes.services.runs import start_run

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
PASSWORD = "test-password"


def main_office() -> Office:
    """The one office of tests that are about no other."""
    return Office.objects.get_or_create(name="Main office")[0]


def make_user(username: str, role: str | None, **fields: Any) -> User:
    fields.setdefault("office", main_office())
    user = User.objects.create_user(username=username, password=PASSWORD, **fields)
    if role:
        group, _ = Group.objects.get_or_create(name=role)
        user.groups.add(group)
    return user


def make_people() -> dict[str, User]:
    return {
        "broker": make_user("broker", Role.BROKER),
        "other": make_user("broker2", Role.BROKER),
        "manager": make_user("manager", Role.MANAGER),
        "admin": make_user("admin", Role.ADMIN, is_staff=True, is_superuser=True),
    }


def import_example(name: str = "example_input.json", owner: User | None = None) -> intake.Intake:
    raw = (EXAMPLES / name).read_bytes()
    return intake.import_document(document=reading.read_document(raw), owner=owner)


def import_value(value: Any, owner: User | None = None) -> intake.Intake:
    return intake.import_document(
        document=reading.read_document(json.dumps(value).encode()), owner=owner
    )


def queued_run(
    name: str = "example_input.json", owner: User | None = None, insured: Insured | None = None
) -> Run:
    """A run as a broker's press of the button leaves it: queued, its request frozen."""
    if insured is None:
        insured = import_example(name, owner).insured
    quotes = list(Quote.objects.filter(insured=insured))
    return start_run(
        insured=insured,
        coverage_types=insured.requested_lines,
        started_by=owner,
        quotes=quotes,
        hint=False,
    )


def stored_attachment(
    insured: Insured, name: str = "dec page.pdf", content: bytes = b"%PDF-1.7 fictional"
) -> Attachment:
    """A file with the insured, in the folder that the settings name."""
    owner = insured.owner
    assert owner is not None
    file = SimpleUploadedFile(name, content)
    return add_attachments(insured=insured, files=[file], user=owner).stored[0]
