"""Rows that are only ever added: history that nobody rewrites."""

from __future__ import annotations

from typing import Any

from django.db import models


class AppendOnly(Exception):
    """History was about to be changed."""


class AppendOnlyQuerySet(models.QuerySet[Any]):
    def update(self, **kwargs: Any) -> int:
        raise AppendOnly("history is never changed")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AppendOnly("history is never deleted")


class AppendOnlyModel(models.Model):
    """Rows are only ever added. The database refuses updates and deletes by triggers as well;
    only the retention purge deletes, through its own path."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None and not self._state.adding:
            raise AppendOnly("history is never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnly("history is never deleted")
