"""Static files in production: fingerprinted, compressed, and the stylesheets as one file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

from quotes.templatetags.stylesheets import BUNDLE, SHEETS

REMARK = re.compile(r"/\*.*?\*/", re.DOTALL)
INDENT = re.compile(r"\s*\n\s*")


class BundlingStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Makes one stylesheet of those of every page: a first page waits for one file, not sixteen.

    Nothing else is built: the sheets are put one after another, without remarks and indents, and
    that one is fingerprinted and compressed like any file.
    """

    bundles = True

    def post_process(
        self, paths: dict[str, Any], dry_run: bool = False, **options: Any
    ) -> Iterator[Any]:
        if not dry_run:
            sheets = [self._text(*paths[name]) for name in SHEETS]
            if self.exists(BUNDLE):
                self.delete(BUNDLE)
            self._save(BUNDLE, ContentFile("\n".join(sheets).encode()))
            paths = {**paths, BUNDLE: (self, BUNDLE)}
        yield from super().post_process(paths, dry_run, **options)

    @staticmethod
    def _text(storage: Any, name: str) -> str:
        with storage.open(name) as file:
            text: str = file.read().decode()
        return INDENT.sub("\n", REMARK.sub("", text)).strip()
