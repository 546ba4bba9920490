"""Carriers' PDFs and dec pages: taken in, handed out, removed; files and rows together or neither.

A file is known by what it holds, never by its name: the name is shown and offered again when it
is fetched, and is part of no path.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from quotes.models import Attachment, Insured, Quote, User
from quotes.models.attachment import attachment_path

MOST_BYTES = 20 * 1024 * 1024
MOST_PER_INSURED = 100
MOST_NAME = 200
KINDS: tuple[tuple[bytes, str, tuple[str, ...]], ...] = (
    (b"%PDF-", "application/pdf", (".pdf",)),
    (b"\x89PNG\r\n\x1a\n", "image/png", (".png",)),
    (b"\xff\xd8\xff", "image/jpeg", (".jpg", ".jpeg")),
)
"""By their first bytes: content type and the endings a name of it may have."""
UNSHOWABLE = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
"""Control characters, and those that turn the reading direction: "exe.fdp" must not read as pdf."""
JOINER = "\N{ZERO WIDTH JOINER}"
"""Of the same category, and holds one emoji together."""


@dataclass
class Added:
    """What became of the files of one upload; `known` and `refused` say why in words."""

    stored: list[Attachment] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def content_type_of(head: bytes) -> str:
    """The content type a file's first bytes tell; empty for any that is not taken."""
    return next((kind for start, kind, _ in KINDS if head.startswith(start)), "")


def shown_name(name: str) -> str:
    """A file's name as it is shown: without folders and control characters, `MOST_NAME` long
    at most with its ending kept; "Unnamed file" where nothing is left."""
    last = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    kept = "".join(c for c in last if c == JOINER or unicodedata.category(c) not in UNSHOWABLE)
    plain = " ".join(kept.split()).strip(". ")
    if len(plain) > MOST_NAME:
        stem, dot, ending = plain.rpartition(".")
        ending = dot + ending if stem and len(ending) <= 10 else ""
        plain = plain[: MOST_NAME - len(ending) - 1].rstrip() + "…" + ending
    return plain or "Unnamed file"


def download_name(attachment: Attachment) -> str:
    """The name a file is saved under, with an ending of what it is: no "tool.exe" that is a PDF."""
    endings = next(each for _, kind, each in KINDS if kind == attachment.content_type)
    name = shown_name(attachment.name)
    return name if name.lower().endswith(endings) else f"{name}{endings[0]}"


def add_attachments(
    *, insured: Insured, files: Sequence[UploadedFile[Any]], user: User, quote: Quote | None = None
) -> Added:
    """Keep each of `files` with the insured, and with `quote` of it where given.

    One that cannot be taken, or is there already, keeps none of the others out. When the
    transaction fails no file of it is left behind.
    """
    added = Added()
    written: list[Attachment] = []
    with _without_leftovers(written), transaction.atomic(durable=True):
        insured = Insured.objects.select_for_update(of=("self",)).get(pk=insured.pk)
        room = MOST_PER_INSURED - insured.attachments.count()
        for each in files:
            if why := _refusal(each):
                added.refused.append(f"“{shown_name(each.name or '')}” {why}")
                continue
            row = _read(each)
            same = insured.attachments.filter(sha256=row.sha256).first()
            if same is not None:
                added.known.append(_already(row, same, quote))
                continue
            if len(added.stored) >= room:
                added.refused.append(
                    f"“{row.name}” was not kept: an insured holds at most {MOST_PER_INSURED} "
                    "files. Delete one that is no longer needed first."
                )
                continue
            row.insured, row.quote, row.added_by = insured, quote, user
            # Before the write: a disk that fills up leaves half a file.
            written.append(row)
            row.file.save(row.name, each, save=False)
            row.save(force_insert=True)
            added.stored.append(row)
        if added.stored:
            insured.save(update_fields=["updated_at"])
    return added


def delete_attachment(*, attachment: Attachment) -> None:
    """Delete the row, and its file once that is certain."""
    storage, path = attachment.file.storage, str(attachment.file.name)
    with transaction.atomic():
        Insured.objects.select_for_update(of=("self",)).get(pk=attachment.insured_id)
        attachment.delete()
        transaction.on_commit(lambda: storage.delete(path))


@contextmanager
def _without_leftovers(written: Sequence[Attachment]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        for row in written:
            row.file.storage.delete(attachment_path(row, ""))
        raise


def _refusal(upload: UploadedFile[Any]) -> str:
    """Why a file is not taken, in words after its name; empty when it is."""
    size = upload.size or 0
    if size == 0:
        return "is empty. Look whether it opens, then attach it again."
    if size > MOST_BYTES:
        return f"is larger than {MOST_BYTES // 1024 // 1024} MB. Save a smaller PDF of it."
    upload.seek(0)
    if not content_type_of(upload.read(16)):
        return (
            "is neither a PDF nor a PNG or JPEG picture, whatever its name says. "
            "Print it to PDF and attach that."
        )
    return ""


def _read(upload: UploadedFile[Any]) -> Attachment:
    """A row for the file, not yet saved; the file stands at its beginning again."""
    digest = hashlib.sha256()
    upload.seek(0)
    for chunk in upload.chunks():
        digest.update(chunk)
    upload.seek(0)
    head = upload.read(16)
    upload.seek(0)
    return Attachment(
        name=shown_name(upload.name or ""),
        content_type=content_type_of(head),
        size=upload.size or 0,
        sha256=digest.hexdigest(),
    )


def _already(row: Attachment, same: Attachment, quote: Quote | None) -> str:
    """In words that the file is there; one that stood with no quote now stands with `quote`."""
    under = "" if same.name == row.name else f" as “{same.name}”"
    if quote is None or same.quote_id is not None:
        return f"“{row.name}” is here already{under}: it was not kept twice."
    same.quote = quote
    same.save(update_fields=["quote"])
    return f"“{row.name}” was here already{under}: it now stands with this quote."
