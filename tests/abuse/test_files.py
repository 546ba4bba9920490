"""Every file that leaves the app, made of texts that are attacks: no formula, link or script."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from typing import Any

import pytest
from django.urls import reverse
from pypdf import PdfReader

from quotes.models import Proposal
from quotes.services.proposals import make_proposal
from quotes.services.roles import ensure_roles
from tests.abuse.asking import every_address
from tests.abuse.hostile import hostile_world
from tests.access.rules import body_of
from tests.access.world import World
from tests.test_access import RULES
from tests.views.pages import signed_in

pytestmark = pytest.mark.django_db
FORMULA = re.compile(r"^\s*[=+\-@\t\r]")
NUMBER = re.compile(r"^-?\d+(\.\d+)?$")
RUNS = (
    b"/JavaScript",
    b"/JS ",
    b"/JS(",
    b"/Launch",
    b"/OpenAction",
    b"/SubmitForm",
    b"/EmbeddedFile",
)


@pytest.fixture
def world(people, settings, tmp_path) -> World:
    ensure_roles()
    made, _ = hostile_world(people, settings, tmp_path)
    run = made["hostile_run"]
    make_proposal(
        run=run, solutions=list(run.solutions.all()[:2]), notes=made["insured"].applicant_name,
        actor=people["broker"],
    )  # fmt: skip
    return {**made, "done": run, "run": run, "proposal": Proposal.objects.get(run=run)}


def files(world: World, people: dict[str, Any]) -> dict[str, tuple[Any, bytes]]:
    """Every download there is: by GET whatever answers with a file, and the packet by POST."""
    found = {}
    for who in ("broker", "manager", "admin"):
        browser = signed_in(people[who])
        for name, path in every_address(world).items():
            if name not in RULES or 200 not in RULES[name][0][who]:
                continue
            answer = browser.get(path)
            body = body_of(answer)
            if "attachment" in answer.headers.get("Content-Disposition", ""):
                found[f"{name} by {who}"] = answer, body
        if who != "admin":
            answer = browser.post(reverse("quotes:run_packet", args=[world["run"].pk]))
            found[f"packet by {who}"] = answer, body_of(answer)
    return found


def test_no_file_holds_a_formula_a_link_or_a_script(world, people):
    wrong, kinds = [], set()
    for name, (answer, body) in files(world, people).items():
        filename = answer["Content-Disposition"].partition("filename")[2]
        if "attachment_download" not in name:
            # Names of our own: codes and days, nothing that somebody typed.
            assert re.fullmatch(r'="[A-Za-z0-9._-]+"', filename), (name, filename)
        kind = answer["Content-Type"].partition(";")[0]
        kinds.add(kind)
        if kind == "text/csv":
            rows = csv.reader(io.StringIO(body.decode("utf-8-sig")))
            cells = [cell for row in rows for cell in row]
            wrong += [
                (name, cell) for cell in cells if FORMULA.match(cell) and not NUMBER.match(cell)
            ]
        elif kind.endswith("spreadsheetml.sheet"):
            wrong += [(name, what) for what in in_a_workbook(body)]
        elif kind == "application/pdf" and "attachment" not in name:
            wrong += [(name, what) for what in in_a_pdf(body)]
        elif kind == "application/zip":
            with zipfile.ZipFile(io.BytesIO(body)) as packet:
                for part in packet.namelist():
                    assert re.fullmatch(r"[A-Za-z0-9._/-]+", part), part
                    assert ".." not in part.split("/"), part
                    assert not part.startswith("/"), part
                    if part.endswith(".pdf") and "attachment" not in part:
                        wrong += [(part, what) for what in in_a_pdf(packet.read(part))]
    assert not wrong
    assert {"text/csv", "application/pdf", "application/zip"} < kinds
    assert any(kind.endswith("spreadsheetml.sheet") for kind in kinds)


def in_a_workbook(body: bytes) -> list[str]:
    found = []
    with zipfile.ZipFile(io.BytesIO(body)) as book:
        for part in book.namelist():
            text = book.read(part)
            if part.startswith("xl/worksheets/"):
                found += [
                    f"{part} {tag!r}" for tag in (b"<f>", b"<f ", b"<hyperlink") if tag in text
                ]
            if b'TargetMode="External"' in text:
                found.append(f"{part} leads elsewhere")
            if "vba" in part.lower() or "external" in part.lower():
                found.append(part)
    return found


def in_a_pdf(body: bytes) -> list[str]:
    found = [repr(mark) for mark in RUNS if mark in body]
    for page in PdfReader(io.BytesIO(body)).pages:
        found += [str(note.get_object()) for note in page.get("/Annots") or []]
    return found


def test_the_attacks_are_in_the_files(world, people):
    """The control: what was looked through above does hold the texts, harmless."""
    made = files(world, people)
    said = made["quotes:run_list_csv by broker"][1].decode("utf-8-sig")
    assert "evil" in said
    pages = PdfReader(io.BytesIO(made["quotes:proposal_pdf by broker"][1])).pages
    assert "evil" in "".join(page.extract_text() for page in pages)
