"""How far the sealing of stored rows has come, for `manage.py reseal_data` and `doctor`."""

from __future__ import annotations

from django.db import models


class SealedTable(models.Model):
    """One row a table: the key that all its rows are, or are being, brought under.

    Rows written since are sealed by whatever key came first when they were.
    """

    name = models.CharField(max_length=80, primary_key=True)
    key_id = models.CharField(max_length=16)
    place = models.CharField(
        max_length=40, blank=True, help_text="The key of the last row done, while it goes on."
    )
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
