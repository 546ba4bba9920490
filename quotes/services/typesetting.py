"""Typesetting: what goes on paper becomes a tagged PDF (PDF/UA-1), or pictures of its pages.

What people typed reaches typst as data, one JSON string beside the source, never as part of the
source: nothing in it can become code. Typst reads no system font, no file outside its folder and
nothing from a network.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
import typst

log = structlog.get_logger(__name__)
SOURCES = Path(__file__).resolve().parent / "typst"
PREVIEW_PPI = 96.0
"""Pixels to an inch of a preview: a Letter page is 816 wide."""
NO_GLYPH = "□"
MOST_TRIES = 4
UNSHOWN = re.compile(r'the text `"(.*?)"` could not be displayed')
ESCAPED = re.compile(r"\\u\{([0-9a-fA-F]+)\}")
KEPT_CONTROLS = "\n"
# They turn the direction of what follows, so that a line could read otherwise than it was typed.
TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


class NotTypeset(Exception):
    """Typst could not make the document; the text is typst's own, which names no person."""


class Typeset:
    """A source with its data, ready to be made into a PDF and pictures of the same pages.

    `replaced` are the characters that none of our fonts has; they are printed as □.
    """

    def __init__(self, source: str, data: Mapping[str, Any], *, at: datetime) -> None:
        """`source` is a file of `SOURCES`; `at` is the moment the PDF says it was made."""
        # A compiler of its own: one object is not shared between the web server's threads.
        self.source = SOURCES / source
        self.compiler = typst.Compiler(self.source, root=SOURCES, ignore_system_fonts=True)
        self.data: Any = _printable(dict(data))
        self.at = int(at.timestamp())
        self.replaced = ""

    def pdf(self) -> bytes:
        """The PDF. The same data and `at` make the same bytes. Raises NotTypeset."""
        for _ in range(MOST_TRIES):
            try:
                return self._compile("pdf")[0]
            except typst.TypstError as error:
                missing = _missing(f"{error.message}\n{error.diagnostic}")
                if not missing:
                    return self._untested(error)
                self.replaced += "".join(sorted(missing.difference(self.replaced)))
                self.data = _without(self.data, missing)
        raise NotTypeset("Characters kept turning up that no font has.")

    def _untested(self, error: typst.TypstError) -> bytes:
        """The PDF tagged as ever, but not held to PDF/UA-1, where that is all that is wrong."""
        if "PDF/UA-1" not in error.message:
            raise NotTypeset(error.message) from None
        log.warning("not_pdf_ua", source=self.source.name, why=error.message)
        return self._compile("pdf", standards=[])[0]

    def pages(self) -> list[bytes]:
        """The pages as PNG. Ask for the PDF first: it finds what no font has."""
        return self._compile("png")

    def _compile(self, form: str, standards: Sequence[Any] = ("ua-1",)) -> list[bytes]:
        inputs = {"data": json.dumps(self.data, ensure_ascii=False)}
        compiler, at = self.compiler, self.at
        if form == "pdf":
            made = compiler.compile(
                format="pdf", pdf_standards=list(standards), timestamp=at, sys_inputs=inputs
            )
        else:
            made = compiler.compile(format="png", ppi=PREVIEW_PPI, timestamp=at, sys_inputs=inputs)
        if made is None:
            raise NotTypeset("Typst made nothing.")
        return made if isinstance(made, list) else [made]


def _missing(said: str) -> set[str]:
    """The characters of typst's complaints about its fonts."""
    found = {ESCAPED.sub(lambda m: chr(int(m[1], 16)), each) for each in UNSHOWN.findall(said)}
    return {char for each in found for char in each} - {NO_GLYPH}


def _printable(value: Any) -> Any:
    """The value without control characters, which no font has and no page shows."""
    if isinstance(value, str):
        return "".join(
            char
            for char in unicodedata.normalize("NFC", value.replace("\r\n", "\n"))
            if char in KEPT_CONTROLS
            or (unicodedata.category(char) not in {"Cc", "Cs"} and char not in TURNING)
        )
    if isinstance(value, Mapping):
        return {key: _printable(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_printable(each) for each in value]
    return value


def _without(value: Any, chars: set[str]) -> Any:
    if isinstance(value, str):
        return "".join(NO_GLYPH if char in chars else char for char in value)
    if isinstance(value, Mapping):
        return {key: _without(each, chars) for key, each in value.items()}
    if isinstance(value, list):
        return [_without(each, chars) for each in value]
    return value
