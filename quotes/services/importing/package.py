"""The zip that an XLSX file is: its parts unpacked only as far as they are needed and true."""

from __future__ import annotations

import io
import posixpath
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from html import unescape

from quotes.services.reading import Mistake, Unreadable

MOST_UNPACKED = 64 * 1024 * 1024
MOST_PARTS = 2_000
MOST_RATIO = 200
"""XML of a full sheet is seldom packed to less than a fiftieth."""
SMALL = 1024 * 1024
DAMAGED = "is damaged or no XLSX workbook; open it in the spreadsheet program and save it again"
BOMB = "unpacks to more than a spreadsheet of 5 MB can hold; it was not opened"
LOCAL_HEADER = struct.Struct("<4s22xHH")
SAVE_AS = "open it in the spreadsheet program and save it as XLSX or CSV"
TAG = re.compile(r"<(?:\w+:)?(sheet|Relationship)\s([^<>]*)>")
ATTRIBUTE = re.compile(r"""([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
WORKBOOK = "xl/workbook.xml"
RELATIONS = "xl/_rels/workbook.xml.rels"


@dataclass(frozen=True)
class Part:
    """A sheet of the workbook and the part that holds it."""

    name: str
    path: str
    visible: bool


@dataclass
class Package:
    """The unpacked parts by path; `texts` is the path of the shared texts, if there are any."""

    parts: dict[str, bytes] = field(default_factory=dict)
    sheets: list[Part] = field(default_factory=list)
    texts: str = ""


def unpacked(raw: bytes) -> Package:
    """The parts of an XLSX file that its visible cells need. Raises Unreadable in words."""
    entries = _entries(raw)
    if WORKBOOK not in entries:
        raise _refused(_other_kind(raw, entries))
    package = Package()
    _take(package, raw, entries, WORKBOOK)
    _take(package, raw, entries, RELATIONS)
    relations = _relations(package.parts[RELATIONS])
    for attributes in _tags(package.parts[WORKBOOK], "sheet"):
        kind, path = relations.get(attributes.get("id", ""), ("", ""))
        if kind != "worksheet":
            continue
        visible = attributes.get("state", "visible") == "visible"
        package.sheets.append(Part(attributes.get("name", ""), path, visible))
        if visible:
            _take(package, raw, entries, path)
    for kind, path in relations.values():
        if kind in {"sharedStrings", "styles"} and path in entries:
            _take(package, raw, entries, path)
            if kind == "sharedStrings":
                package.texts = path
    return package


def _entries(raw: bytes) -> dict[str, zipfile.ZipInfo]:
    try:
        infos = zipfile.ZipFile(io.BytesIO(raw)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, struct.error):
        raise _refused(DAMAGED) from None
    if len(infos) > MOST_PARTS or sum(info.file_size for info in infos) > MOST_UNPACKED:
        raise _refused(BOMB)
    entries = {info.filename.replace("\\", "/"): info for info in infos}
    if len(entries) != len(infos):
        raise _refused(DAMAGED)
    for info in infos:
        if info.file_size > SMALL and info.file_size > MOST_RATIO * info.compress_size:
            raise _refused(BOMB)
        if info.flag_bits & 1:
            raise _refused("is protected by a password; save it without one")
    return entries


def _other_kind(raw: bytes, entries: dict[str, zipfile.ZipInfo]) -> str:
    if "xl/workbook.bin" in entries:
        return f"is an XLSB workbook; {SAVE_AS}"
    if any(name.endswith(".iwa") for name in entries):
        return "is a Numbers document; export it from Numbers as Excel (XLSX) or CSV"
    if "content.xml" in entries and b"opendocument" in raw[:200]:
        return f"is an OpenDocument file; {SAVE_AS}"
    if any(name.startswith("word/") for name in entries):
        return "is a text document; copy its table and paste it"
    return "is an archive, not a spreadsheet; unpack it and choose the file inside"


def _take(package: Package, raw: bytes, entries: dict[str, zipfile.ZipInfo], path: str) -> None:
    info = entries.get(path)
    if info is None:
        raise _refused(DAMAGED)
    content = _inflated(raw, info)
    if b"\x00" in content or content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _refused(DAMAGED)
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise _refused("defines entities inside, which no spreadsheet does; it was not opened")
    package.parts[path] = content


def _inflated(raw: bytes, info: zipfile.ZipInfo) -> bytes:
    """One part unpacked, never further than it says it is long."""
    try:
        mark, name, extra = LOCAL_HEADER.unpack_from(raw, info.header_offset)
    except struct.error:
        raise _refused(DAMAGED) from None
    start = info.header_offset + LOCAL_HEADER.size + name + extra
    packed = raw[start : start + info.compress_size]
    if mark != b"PK\x03\x04" or len(packed) != info.compress_size:
        raise _refused(DAMAGED)
    if info.compress_type == zipfile.ZIP_STORED:
        content = packed
    elif info.compress_type == zipfile.ZIP_DEFLATED:
        try:
            content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, info.file_size + 1)
        except zlib.error:
            raise _refused(DAMAGED) from None
    else:
        raise _refused(DAMAGED)
    if len(content) > info.file_size:
        raise _refused(BOMB)
    if len(content) != info.file_size or zlib.crc32(content) != info.CRC:
        raise _refused(DAMAGED)
    return content


def _relations(xml: bytes) -> dict[str, tuple[str, str]]:
    """By id: the kind of part ("worksheet", "sharedStrings", "styles") and its path."""
    found = {}
    for attributes in _tags(xml, "Relationship"):
        target = attributes.get("Target", "")
        path = target[1:] if target.startswith("/") else posixpath.normpath(f"xl/{target}")
        kind = attributes.get("Type", "").rpartition("/")[2]
        found[attributes.get("Id", "")] = (kind, path)
    return found


def _tags(xml: bytes, name: str) -> list[dict[str, str]]:
    text = xml.decode("utf-8", "replace")
    return [
        {
            key.rpartition(":")[2]: unescape(double or single)
            for key, double, single in ATTRIBUTE.findall(attributes)
        }
        for tag, attributes in TAG.findall(text)
        if tag == name
    ]


def _refused(message: str) -> Unreadable:
    return Unreadable([Mistake("file", message)])
