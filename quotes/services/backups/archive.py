"""A backup's file: a ZIP with the database's tables, the attachments and a manifest.

The manifest says which release made it and has the SHA-256 of every other entry. It is the last
entry, so a file that was cut off has none.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

FORMAT = 1
MANIFEST = "manifest.json"
ATTACHMENTS = "attachments/"
CHUNK = 1024 * 1024
PATH_OF_ONE = re.compile(r"[0-9a-f]{2}/[0-9a-f]{32}")


class Unusable(Exception):
    """The file is no backup that can be restored here; the message says why, in words."""


@dataclass
class Manifest:
    """`engine` is "postgresql" or "sqlite"; `migrations` are names such as "quotes.0001_initial";
    `data_keys` are the ids of the keys that open it; `tables` has each table's columns in the order
    of its rows; `absent` are attachments whose file was gone when the backup was made; `served`
    says whether a worker served meanwhile, None where the backup's release did not look."""

    made_at: str
    version: str
    engine: str
    migrations: list[str]
    data_keys: list[str]
    tables: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)
    served: bool | None = None
    format: int = FORMAT

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.made_at)

    @property
    def attachments(self) -> list[str]:
        """Paths of the attachments' files within their folder."""
        names = (name for name in self.files if name.startswith(ATTACHMENTS))
        return [name.removeprefix(ATTACHMENTS) for name in names]


class Writer:
    """Adds entries to a backup and their digests to its manifest."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self._archive = archive
        self.manifest = manifest

    def add(self, name: str, chunks: Iterable[bytes | memoryview]) -> None:
        digest = hashlib.sha256()
        with self._archive.open(name, "w", force_zip64=True) as out:
            for chunk in chunks:
                digest.update(chunk)
                out.write(bytes(chunk))
        self.manifest.files[name] = digest.hexdigest()

    def close(self) -> None:
        text = json.dumps(asdict(self.manifest), indent=1)
        self._archive.writestr(MANIFEST, text)


@contextmanager
def writing(out: IO[bytes], manifest: Manifest) -> Iterator[Writer]:
    """A backup being written; the manifest goes in when all went well, and not otherwise."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        writer = Writer(archive, manifest)
        yield writer
        writer.close()


DAMAGE = (KeyError, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError)
"""What reading an archive raises where a byte of it is another; RuntimeError where that makes it
look encrypted, or compressed in a way that nobody knows."""


class Reader:
    """A backup whose every entry was read once and found to be as it was written."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.manifest = _manifest_of(archive)
        for name, digest in self.manifest.files.items():
            if self._digest(name) != digest:
                raise Unusable(f"{name} is not what was written: the file is damaged.")
        for path in self.manifest.attachments:
            if not PATH_OF_ONE.fullmatch(path):
                raise Unusable("it names an attachment's file as none is named.")

    def chunks(self, name: str) -> Iterator[bytes]:
        with self._archive.open(name) as file:
            while chunk := file.read(CHUNK):
                yield chunk

    def _digest(self, name: str) -> str:
        digest = hashlib.sha256()
        try:
            for chunk in self.chunks(name):
                digest.update(chunk)
        except DAMAGE:
            raise Unusable(f"{name} cannot be read: the file is damaged.") from None
        return digest.hexdigest()


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """A backup to restore from. Raises Unusable, and OSError where it cannot be opened."""
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile:
        raise Unusable("it is no backup, or was cut off.") from None
    except (ValueError, NotImplementedError):
        # A damaged list of entries names a ZIP that nobody knows, or is no text.
        raise Unusable("its list of entries cannot be read: the file is damaged.") from None
    with archive:
        yield Reader(archive)


def _manifest_of(archive: zipfile.ZipFile) -> Manifest:
    try:
        said: dict[str, Any] = json.loads(archive.read(MANIFEST))
        if said["format"] != FORMAT:
            raise Unusable(f"its format is {said['format']}, and this release reads {FORMAT}.")
        return Manifest(**said)
    except (TypeError, ValueError, *DAMAGE):
        raise Unusable("it has no manifest of a backup.") from None


def of_file(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
