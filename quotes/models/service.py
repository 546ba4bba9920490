"""What we know of the service at one address: holds that every worker must honour."""

from __future__ import annotations

from datetime import datetime

from django.db import models


class NexioService(models.Model):
    """One row an address. Times until which nothing is sent, shared by all workers."""

    base_url = models.CharField(max_length=300, unique=True)
    polls_held_until = models.DateTimeField(null=True, blank=True)
    submits_held_until = models.DateTimeField(null=True, blank=True)
    next_submit_at = models.DateTimeField(
        null=True, blank=True, help_text="When the next submission may begin, where a rate is set."
    )
    key_refused_at = models.DateTimeField(null=True, blank=True)
    key_mark = models.CharField(
        max_length=16, blank=True, help_text="Tells one key from another without saying it."
    )
    next_key_check_at = models.DateTimeField(null=True, blank=True)
    key_tested_at = models.DateTimeField(
        null=True, blank=True, help_text="When a person last asked whether the key works."
    )
    last_contact_at = models.DateTimeField(null=True, blank=True)
    environment = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = "Nexio service"

    def __str__(self) -> str:
        return self.base_url

    def holds_polls(self, now: datetime) -> bool:
        return bool(self.key_refused_at) or bool(
            self.polls_held_until and self.polls_held_until > now
        )

    def holds_submits(self, now: datetime) -> bool:
        return bool(self.key_refused_at) or bool(
            self.submits_held_until and self.submits_held_until > now
        )
