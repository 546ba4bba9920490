"""Signs of life of the workers, so that any host can tell whether runs are being served."""

from __future__ import annotations

import uuid

from django.db import models


class WorkerBeat(models.Model):
    """One row a worker process, written again every few seconds while it serves."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    host = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField(db_index=True, help_text="When its watcher last showed life.")
    stopped_at = models.DateTimeField(null=True, blank=True, help_text="When it drained and ended.")
    in_hand = models.PositiveIntegerField(default=0, help_text="Runs it was serving at that time.")
    version = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["-beat_at"]

    def __str__(self) -> str:
        return f"{self.host} {self.pid}"
