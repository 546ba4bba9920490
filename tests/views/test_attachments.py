"""Files on the pages: attached, listed, fetched so that nothing in them can act, and deleted."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote as quoted

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from quotes.models import Attachment, Insured
from tests.factories import import_example, stored_attachment
from tests.views.pages import signed_in, words

pytestmark = pytest.mark.django_db

PDF = b"%PDF-1.7\n% a fictional dec page"


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.ATTACHMENTS_DIR = tmp_path / "kept"
    return tmp_path / "kept"


@pytest.fixture
def insured(people: Any, folder: Path) -> Insured:
    return import_example(owner=people["broker"]).insured


@pytest.fixture
def client(people: Any) -> Client:
    return signed_in(people["broker"])


def attach(client: Client, insured: Insured, *files: tuple[str, bytes], **more: Any) -> Any:
    uploads = [SimpleUploadedFile(name, content) for name, content in files]
    address = reverse("quotes:attachment_add", args=[insured.pk])
    return client.post(address, {"chosen": uploads, **more}, follow=True)


def fetch(client: Client, row: Attachment) -> Any:
    return client.get(reverse("quotes:attachment_download", args=[row.pk]))


def test_files_are_listed_with_who_when_and_their_quote(client, insured):
    quote = insured.quotes.all()[0]
    page = attach(client, insured, ("dec.pdf", PDF), ("quote.pdf", PDF + b"2"), quote=quote.pk)
    assert "2 files were attached." in words(page)
    page = words(client.get(reverse("quotes:insured_detail", args=[insured.pk])))
    assert "Attachments 2 files" in page
    assert f"dec.pdf {quote.carrier_name} 31 bytes" in page


def test_what_could_not_be_kept_is_said_of_each_file_and_the_rest_is_kept(client, insured):
    stored_attachment(insured, "before.pdf", PDF)
    files = ("again.pdf", PDF), ("tool.pdf", b"MZ"), ("empty.pdf", b""), ("good.pdf", PDF + b"2")
    page = words(attach(client, insured, *files))
    for said in (
        "“good.pdf” was attached.",
        "“again.pdf” is here already as “before.pdf”: it was not kept twice.",
        "“tool.pdf” is neither a PDF nor a PNG or JPEG picture, whatever its name says.",
        "“empty.pdf” is empty.",
    ):
        assert said in page
    assert insured.attachments.count() == 2


def test_nothing_chosen_is_said(client, insured):
    assert "No file was attached. Choose a file first" in words(attach(client, insured))


def test_from_a_quotes_page_one_comes_back_to_it(client, insured):
    quote = insured.quotes.all()[0]
    page = reverse("quotes:quote_detail", args=[quote.pk])
    stored_attachment(insured, "of the insured.pdf", PDF + b"2")
    for files in ([("dec.pdf", PDF)], []):
        response = attach(client, insured, *files, quote=quote.pk)
        assert response.redirect_chain[-1][0] == f"{page}#attachments"
    said = words(response)
    assert "No file was attached." in said
    assert "dec.pdf" in said
    assert "of the insured.pdf" not in said


def test_too_many_at_once_are_refused_and_none_is_kept(client, insured, folder):
    files = [(f"{number}.pdf", PDF + bytes([number])) for number in range(21)]
    assert "Choose at most 20 files at a time." in words(attach(client, insured, *files))
    assert not folder.exists()


def test_a_quote_of_another_insured_is_absent(people, client, insured, folder):
    other = import_example("home_only.json", people["broker"]).insured
    response = attach(client, insured, ("dec.pdf", PDF), quote=other.quotes.all()[0].pk)
    assert response.status_code == 404
    assert not folder.exists()


@pytest.mark.parametrize("who", ["broker", "manager", "admin"])
def test_a_file_comes_back_as_it_was_and_can_do_nothing(people, insured, who):
    row = stored_attachment(insured, "dec page.pdf", PDF)
    response = fetch(signed_in(people[who]), row)
    assert b"".join(response.streaming_content) == PDF
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Length"] == str(len(PDF))
    assert response["Content-Disposition"] == 'attachment; filename="dec page.pdf"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == (
        "default-src 'none'; frame-ancestors 'none'; sandbox"
    )
    assert response["Cache-Control"] == "private, no-store"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("name", "content", "kind", "saved_as"),
    [
        # What begins as a PDF is only ever handed out as one, whatever else it may be read as.
        ("page.html", PDF + b"<script>alert(1)</script>", "application/pdf", "page.html.pdf"),
        ("tool.exe", PDF + b"MZ", "application/pdf", "tool.exe.pdf"),
        ("photo.pdf", b"\xff\xd8\xff\xe0PK\x03\x04", "image/jpeg", "photo.pdf.jpg"),
        ("photo.JPEG", b"\xff\xd8\xff\xe0", "image/jpeg", "photo.JPEG"),
        ("../../x", b"\x89PNG\r\n\x1a\n", "image/png", "x.png"),
    ],
)
def test_a_polyglot_is_only_what_it_begins_as(client, insured, name, content, kind, saved_as):
    attach(client, insured, (name, content))
    response = fetch(client, insured.attachments.get())
    assert response["Content-Type"] == kind
    assert response["Content-Disposition"] == f'attachment; filename="{saved_as}"'


def test_a_name_cannot_say_another_name(client, insured):
    said = fetch(client, stored_attachment(insured, 'a"; filename="b.exe'))["Content-Disposition"]
    assert said == 'attachment; filename="a\\"; filename=\\"b.exe.pdf"'


def test_a_name_beyond_ascii_is_kept(client, insured):
    name = "😀 " + "é" * 296 + ".pdf"
    attach(client, insured, (name, PDF))
    row = insured.attachments.get()
    said = fetch(client, row)["Content-Disposition"]
    assert said.startswith("attachment; filename*=utf-8''" + quoted("😀 ééé"))
    assert said.endswith(".pdf")
    assert (
        row.name in client.get(reverse("quotes:insured_detail", args=[insured.pk])).content.decode()
    )


def test_a_name_is_text_on_the_page(client, insured):
    attach(client, insured, ("<img src=x onerror=alert(1)>.pdf", PDF))
    page = client.get(reverse("quotes:insured_detail", args=[insured.pk])).content.decode()
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;.pdf" in page


def test_no_name_stands_in_an_address(client, insured):
    attach(client, insured, ("Fairweather dec page.pdf", PDF))
    page = client.get(reverse("quotes:insured_detail", args=[insured.pk])).content.decode()
    assert f'href="/attachments/{insured.attachments.get().pk}/"' in page


def test_others_find_nothing_and_managers_change_nothing(people, insured):
    row = stored_attachment(insured)
    other, manager = signed_in(people["other"]), signed_in(people["manager"])
    assert fetch(other, row).status_code == 404
    for name in ("attachment_download", "attachment_delete"):
        assert other.post(reverse(f"quotes:{name}", args=[row.pk])).status_code in (404, 405)
    assert manager.post(reverse("quotes:attachment_delete", args=[row.pk])).status_code == 404
    assert attach(manager, insured, ("dec.pdf", PDF)).status_code == 404
    page = manager.get(reverse("quotes:insured_detail", args=[insured.pk]))
    assert "dec page.pdf" in words(page)
    assert 'type="file"' not in page.content.decode()
    assert insured.attachments.count() == 1


def test_deleting_asks_first_and_then_the_file_is_gone(
    client, insured, folder, django_capture_on_commit_callbacks
):
    row = stored_attachment(insured)
    address = reverse("quotes:attachment_delete", args=[row.pk])
    assert "Delete this attachment?" in words(client.get(address))
    assert Attachment.objects.count() == 1
    with django_capture_on_commit_callbacks(execute=True):
        page = client.post(address, follow=True)
    assert "“dec page.pdf” was deleted." in words(page)
    assert not [path for path in folder.rglob("*") if path.is_file()]


def test_a_file_that_the_disk_lost_is_said(client, insured, folder):
    row = stored_attachment(insured)
    for path in folder.rglob("*"):
        if path.is_file():
            path.unlink()
    response = client.get(reverse("quotes:attachment_download", args=[row.pk]), follow=True)
    assert "“dec page.pdf” is listed, but its file is gone from the disk." in words(response)


def test_what_became_of_a_file_is_said_beside_the_list(client, insured):
    page = attach(client, insured, ("dec.pdf", b"MZ not a PDF")).content.decode()
    above, _, beside = page.partition('id="attachments"')
    assert 'role="alert"' in beside
    assert "dec.pdf" in beside
    assert "dec.pdf" not in above
