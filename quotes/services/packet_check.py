"""Telling whether an E&O packet is as it was made. Nothing is ever unpacked onto the disk, and no
more of a file is read than the manifest says it has."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import simplejson
from django.core.signing import BadSignature, Signer

from quotes.models import RunEvent
from quotes.services.packets import CHUNK, FORM, MADE, MANIFEST, SALT, SIGNATURE

MOST_ENTRIES = 10_000
MOST_MANIFEST = 8_000_000
MOST_BYTES = 4_000_000_000
"""Of all files together, unpacked."""


class Unreadable(Exception):
    """The file is no packet that can be looked at; the text says why."""


def check_packet(path: Path) -> list[str]:
    """What differs from the packet as it was made, one sentence each; empty when it is intact.

    Raises Unreadable for what is no ZIP, has no manifest, or is larger than a packet can be.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _check(archive)
    except (OSError, zipfile.BadZipFile, EOFError, UnicodeDecodeError) as error:
        raise Unreadable(f"It cannot be read as a ZIP file: {_why(error)}") from None
    except (NotImplementedError, RuntimeError, zlib.error, ValueError) as error:
        # An unknown compression, or an encrypted entry.
        raise Unreadable(f"It is packed in a way that packets are not: {_why(error)}") from None


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _check(archive: zipfile.ZipFile) -> list[str]:
    infos = archive.infolist()
    if len(infos) > MOST_ENTRIES:
        raise Unreadable(f"It has more than {MOST_ENTRIES:,} entries.")
    counted = Counter(info.filename for info in infos)
    by_name = {info.filename: info for info in infos}
    if MANIFEST not in by_name:
        raise Unreadable(f"It has no {MANIFEST}: it is no packet, or that was taken out.")
    raw = _content(archive, by_name[MANIFEST], MOST_MANIFEST)
    manifest = _read_manifest(raw)
    found = [f"{name}: is in the file {n} times" for name, n in counted.items() if n > 1]
    if archive.comment or min(info.header_offset for info in infos) > 0:
        found.append("the ZIP itself: has bytes before or after its files that no packet has")
    found += _check_origin(archive, by_name, raw, manifest)
    found += _check_files(archive, by_name, manifest)
    listed = {entry["path"] for entry in manifest["files"]}
    extra = sorted(set(by_name) - listed - {MANIFEST, SIGNATURE})
    return found + [f"{name}: is not in the manifest" for name in extra]


def _read_manifest(raw: bytes) -> dict[str, Any]:
    try:
        manifest: Any = simplejson.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Unreadable(f"Its {MANIFEST} is no JSON.") from None
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if (
        not isinstance(manifest, dict)
        or not isinstance(files, list)
        or manifest.get("form") != FORM
    ):
        raise Unreadable(f"Its {MANIFEST} is not that of a packet.")
    for entry in files:
        sound = (
            isinstance(entry, dict)
            and isinstance(entry.get("path"), str)
            and isinstance(entry.get("sha256"), str)
            and type(entry.get("size")) is int
            and entry["size"] >= 0
        )
        if not sound:
            raise Unreadable(f"Its {MANIFEST} lists something that is no file.")
    if sum(entry["size"] for entry in files) > MOST_BYTES:
        raise Unreadable(f"Its files come to more than {MOST_BYTES:,} bytes.")
    return manifest


def _check_origin(
    archive: zipfile.ZipFile,
    by_name: dict[str, zipfile.ZipInfo],
    raw: bytes,
    manifest: dict[str, Any],
) -> list[str]:
    """Whether this manifest is one the app made: signed by it, and known to its history."""
    found = []
    digest = hashlib.sha256(raw).hexdigest()
    if SIGNATURE not in by_name:
        found.append(f"{SIGNATURE}: is missing")
    else:
        try:
            signed = _content(archive, by_name[SIGNATURE], 1000).decode("ascii").strip()
            if Signer(salt=SALT).unsign(signed) != digest:
                found.append(f"{MANIFEST}: was changed, the signature is of another")
        except (BadSignature, UnicodeDecodeError, Unreadable):
            found.append(f"{SIGNATURE}: is not this app's signature")
    known = _known_hashes(manifest.get("run"))
    if known is None:
        found.append(f"{MANIFEST}: names a run that is not known here")
    elif digest not in known:
        found.append(f"{MANIFEST}: its hash is not in the run's history")
    return found


def _known_hashes(run: Any) -> set[str] | None:
    """The hashes of all packets made of the run; None for no run of ours."""
    try:
        made = RunEvent.objects.filter(run=UUID(str(run)), kind=MADE)
    except ValueError:
        return None
    hashes = {str(event.data.get("manifest_sha256")) for event in made}
    return hashes or None


def _check_files(
    archive: zipfile.ZipFile, by_name: dict[str, zipfile.ZipInfo], manifest: dict[str, Any]
) -> list[str]:
    found = []
    for entry in manifest["files"]:
        info = by_name.get(entry["path"])
        if info is None:
            found.append(f"{entry['path']}: is missing")
            continue
        try:
            same = _matches(archive, info, entry)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            found.append(f"{entry['path']}: is damaged ({_why(error)})")
            continue
        if not same:
            found.append(f"{entry['path']}: was changed")
    return found


def _matches(archive: zipfile.ZipFile, info: zipfile.ZipInfo, entry: dict[str, Any]) -> bool:
    """Whether the file has the manifest's size and hash; read no further than that size."""
    if info.file_size != entry["size"]:
        return False
    digest, read = hashlib.sha256(), 0
    with archive.open(info) as file:
        while chunk := file.read(CHUNK):
            read += len(chunk)
            if read > entry["size"]:
                return False
            digest.update(chunk)
    return bool(read == entry["size"]) and digest.hexdigest() == entry["sha256"]


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytes:
    with archive.open(info) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise Unreadable(f"Its {info.filename} is larger than a packet's can be.")
    return content
