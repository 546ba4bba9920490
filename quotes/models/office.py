"""Offices: where people work, what their managers see, and what must be approved there."""

from __future__ import annotations

from django.db import models


class ApprovalRule(models.TextChoices):
    """Which choices another person must approve before they are recorded as bound."""

    NONE = "none", "No approval"
    OVERRIDDEN = "overridden", "Choices that are not Nexio's first rank"
    ALWAYS = "always", "Every choice"


class Office(models.Model):
    name = models.CharField(max_length=120, unique=True)
    approval = models.CharField(
        max_length=20,
        choices=ApprovalRule.choices,
        default=ApprovalRule.NONE,
        help_text="What a manager approves before a package is recorded as bound.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="office_approval_known",
                condition=models.Q(approval__in=ApprovalRule.values),
            ),
        ]

    def __str__(self) -> str:
        return self.name
