"""Files with an insured: what is taken, under which name, and that none is left behind."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction

from quotes.models import Attachment, Insured
from quotes.services import attachments
from quotes.services.attachments import add_attachments, delete_attachment, download_name
from tests.factories import import_example, make_people, stored_attachment

pytestmark = pytest.mark.django_db

PDF = b"%PDF-1.7\n% a fictional dec page"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20
JPEG = b"\xff\xd8\xff\xe0" + b"\x00" * 20


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.ATTACHMENTS_DIR = tmp_path / "kept"
    return tmp_path / "kept"


@pytest.fixture
def insured(people: Any, folder: Path) -> Insured:
    return import_example(owner=people["broker"]).insured


def add(insured: Insured, *files: tuple[str, bytes], **more: Any) -> attachments.Added:
    assert insured.owner is not None
    uploads = [SimpleUploadedFile(name, content) for name, content in files]
    return add_attachments(insured=insured, files=uploads, user=insured.owner, **more)


def on_disk(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("dec.pdf", PDF, "application/pdf"),
        ("photo.PNG", PNG, "image/png"),
        ("scan.jpeg", JPEG, "image/jpeg"),
        # What it holds says what it is, whatever it is called.
        ("dec.png", PDF, "application/pdf"),
        ("tool.exe", PDF + b"\nMZ", "application/pdf"),
        ("no ending", JPEG, "image/jpeg"),
    ],
)
def test_a_file_is_known_by_what_it_holds(insured, folder, name, content, kind):
    (row,) = add(insured, (name, content)).stored
    assert (row.content_type, row.size, row.name) == (kind, len(content), name)
    (path,) = on_disk(folder)
    assert path.read_bytes() == content
    assert row.added_by == insured.owner


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("dec.pdf", b"MZ\x90\x00" + PDF),
        ("dec.pdf", b"PK\x03\x04" + PDF),
        ("dec.pdf", b"<html><script>alert(1)</script>%PDF-1.7"),
        ("dec.pdf", b" " + PDF),
        ("photo.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("photo.gif", b"GIF89a" + b"\x00" * 9),
        ("photo.jpg", b"\xff\xd8"),
        ("notes.txt", b"text"),
    ],
)
def test_anything_else_is_refused_by_name_and_left_out(insured, folder, name, content):
    added = add(insured, (name, content), ("good.pdf", PDF))
    assert [row.name for row in added.stored] == ["good.pdf"]
    (said,) = added.refused
    assert said.startswith(f"“{name}” is neither a PDF nor a PNG or JPEG picture")
    assert len(on_disk(folder)) == 1


def test_empty_and_too_large_files_are_refused_each_in_its_own_words(insured, folder):
    large = PDF + b"\x00" * (attachments.MOST_BYTES - len(PDF))
    added = add(insured, ("empty.pdf", b""), ("most.pdf", large), ("large.pdf", large + b"\x00"))
    assert [row.name for row in added.stored] == ["most.pdf"]
    assert [said.split(". ")[0] for said in added.refused] == [
        "“empty.pdf” is empty",
        "“large.pdf” is larger than 20 MB",
    ]


@pytest.mark.parametrize(
    ("name", "shown", "saved_as"),
    [
        ("../../etc/passwd", "passwd", "passwd.pdf"),
        ("C:\\Users\\ada\\dec.pdf", "dec.pdf", "dec.pdf"),
        ("dec\r\nSet-Cookie: a=b.pdf", "decSet-Cookie: a=b.pdf", "decSet-Cookie: a=b.pdf"),
        ('say "hi".pdf', 'say "hi".pdf', 'say "hi".pdf'),
        ("😀 été.pdf", "😀 été.pdf", "😀 été.pdf"),
        ("dec\u202efdp.exe", "decfdp.exe", "decfdp.exe.pdf"),
        ("...", "Unnamed file", "Unnamed file.pdf"),
        (".pdf", "pdf", "pdf.pdf"),
    ],
)
def test_a_name_is_shown_and_is_part_of_no_path(insured, folder, name, shown, saved_as):
    # A browser may send any name; Django's own upload object would hide some of them.
    upload = SimpleUploadedFile("x", PDF)
    upload._name = name  # type: ignore[attr-defined]
    assert insured.owner is not None
    (row,) = add_attachments(insured=insured, files=[upload], user=insured.owner).stored
    assert row.name == shown
    assert download_name(row) == saved_as
    (path,) = on_disk(folder)
    assert path.relative_to(folder).as_posix() == f"{row.pk.hex[:2]}/{row.pk.hex}"


def test_a_long_name_is_cut_and_keeps_its_ending(insured):
    (row,) = add(insured, ("é" * 296 + ".pdf", PDF)).stored
    row.refresh_from_db()
    assert len(row.name) <= 200
    assert row.name.endswith("….pdf")


def test_only_the_apps_own_account_reads_the_files(insured, folder):
    add(insured, ("dec.pdf", PDF))
    (path,) = on_disk(folder)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_same_file_twice_is_said_and_stored_once(insured, folder):
    quote = insured.quotes.first()
    add(insured, ("dec.pdf", PDF))
    again = add(insured, ("copy.pdf", PDF), ("third.pdf", PDF))
    assert not again.stored
    assert again.known[0] == "“copy.pdf” is here already as “dec.pdf”: it was not kept twice."
    with_quote = add(insured, ("dec.pdf", PDF), quote=quote)
    assert with_quote.known == ["“dec.pdf” was here already: it now stands with this quote."]
    assert Attachment.objects.get().quote == quote
    assert len(on_disk(folder)) == 1


def test_the_same_file_may_stand_with_two_insureds(people, insured, folder):
    other = import_example("home_only.json", people["broker"]).insured
    assert add(insured, ("dec.pdf", PDF)).stored
    assert add(other, ("dec.pdf", PDF)).stored
    assert len(on_disk(folder)) == 2


def test_an_insured_holds_so_many_and_no_more(insured, monkeypatch):
    monkeypatch.setattr(attachments, "MOST_PER_INSURED", 2)
    added = add(insured, *((f"{n}.pdf", PDF + bytes([n])) for n in range(3)))
    assert [row.name for row in added.stored] == ["0.pdf", "1.pdf"]
    assert "at most 2 files" in added.refused[0]
    # One that is there already takes no room and is not told to be too many.
    assert add(insured, ("0.pdf", PDF + bytes([0]))).known


class FailingUpload(SimpleUploadedFile):
    """An upload whose temporary file goes away while it is being copied."""

    readings = 0

    def chunks(self, chunk_size: int | None = None) -> Any:
        self.readings += 1
        yield PDF + b"2"
        if self.readings > 1:
            raise OSError("gone")


@pytest.mark.parametrize("failing", ["disk", "database"])
def test_when_it_fails_nothing_is_left_behind(insured, folder, failing):
    kind = FailingUpload if failing == "disk" else SimpleUploadedFile

    class Refusing:
        """A database that takes the first row and not the second."""

        rows = 0

        def __call__(self, execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
            if sql.startswith('INSERT INTO "quotes_attachment"'):
                self.rows += 1
                if self.rows == 2:
                    raise RuntimeError("no second row")
            return execute(sql, params, many, context)

    files = [SimpleUploadedFile("good.pdf", PDF), kind("bad.pdf", PDF + b"2")]
    if failing == "disk":
        with pytest.raises(OSError, match="gone"):
            add_attachments(insured=insured, files=files, user=insured.owner)
    else:
        with connection.execute_wrapper(Refusing()), pytest.raises(RuntimeError):
            add_attachments(insured=insured, files=files, user=insured.owner)
    assert not Attachment.objects.exists()
    assert on_disk(folder) == []


@pytest.mark.django_db(transaction=True)
def test_deleting_removes_the_file_when_it_is_certain_and_not_before(folder):
    insured = import_example(owner=make_people()["broker"]).insured
    row = stored_attachment(insured)

    with transaction.atomic():
        delete_attachment(attachment=Attachment.objects.get(pk=row.pk))
        transaction.set_rollback(True)
    assert Attachment.objects.count() == len(on_disk(folder)) == 1
    delete_attachment(attachment=Attachment.objects.get(pk=row.pk))
    assert not Attachment.objects.exists()
    assert on_disk(folder) == []


def test_deleting_what_the_disk_lost_already_is_no_error(insured, folder):
    row = stored_attachment(insured)
    on_disk(folder)[0].unlink()
    delete_attachment(attachment=row)
    assert not Attachment.objects.exists()


def test_a_deleted_quotes_files_stay_with_the_insured(insured):
    quote = insured.quotes.first()
    add(insured, ("dec.pdf", PDF), quote=quote)
    quote.delete()
    assert insured.attachments.get().quote is None
