"""Quotes: one carrier's quoted package, and the lines in it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection
from decimal import Decimal
from typing import TYPE_CHECKING, Self

from django.contrib.auth.models import AnonymousUser
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from quotes.models.carrier import Carrier
from quotes.models.fields import DocumentField, PremiumField, within
from quotes.models.insured import Insured
from quotes.models.lines import LINES, Line
from quotes.models.read_rows import ReadModel
from quotes.models.sealed_fields import SealedDocumentField

if TYPE_CHECKING:
    from quotes.models.user import User


MADE_ID = re.compile(r"line_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(_[0-9]+)?")


def carriers_own(reference: str) -> str:
    """A quote id as the carrier gave it; empty for the one we send where none was given."""
    return "" if MADE_ID.fullmatch(reference) else reference


class QuoteQuerySet(models.QuerySet["Quote"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """A quote is seen by whoever sees its insured."""
        return self.filter(insured__in=Insured.objects.visible_to(user))

    def editable_by(self, user: User | AnonymousUser, *, any_shared: bool = True) -> Self:
        insureds = Insured.objects.editable_by(user, any_shared=any_shared)
        return self.filter(insured__in=insureds)


class Quote(ReadModel):
    """A carrier's quoted package for an insured (`input.quotes[*]` on the wire)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    insured = models.ForeignKey(Insured, on_delete=models.CASCADE, related_name="quotes")
    position = models.PositiveIntegerField(default=0)
    carrier = models.ForeignKey(Carrier, on_delete=models.PROTECT, related_name="quotes")
    carrier_name = models.CharField("carrier", max_length=120, help_text="As the quote writes it.")
    package_id = models.CharField("package id", max_length=120, blank=True)
    package_premium_annual = PremiumField("package premium", null=True, blank=True)
    term_months = models.PositiveSmallIntegerField(
        "term", null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(36)]
    )
    generated_at = models.DateTimeField("quoted on", null=True, blank=True)
    expires_at = models.DateTimeField(
        "expires", null=True, blank=True, help_text="The moment from which the price is gone."
    )
    broker = models.CharField(max_length=200, blank=True)
    in_input_quotes = models.BooleanField(
        default=True,
        editable=False,
        help_text="Whether it is sent in input.quotes; not so when it came as offerings alone.",
    )
    document = SealedDocumentField(default=dict, blank=True, editable=False)
    origins = DocumentField(
        default=dict, blank=True, editable=False, help_text="Column → where its value came from."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = QuoteQuerySet.as_manager()

    class Meta:
        ordering = ["position", "created_at", "id"]
        indexes = [models.Index(fields=["expires_at"])]
        constraints = [
            models.UniqueConstraint(
                name="quote_package_once_per_insured",
                fields=["insured", "package_id"],
                condition=~Q(package_id=""),
            ),
            within("package_premium_annual", 0, 9999999, "quote_package_premium"),
            within("term_months", 1, 36, "quote_term"),
        ]

    def __str__(self) -> str:
        return f"{self.carrier_name} {self.package_id}".strip()

    @property
    def held(self) -> Collection[QuoteLine]:
        """Its lines as `lines.all()` has them; where they were read with the quote, without the
        manager that Django makes at each look, which a page takes a hundred times."""
        read: Collection[QuoteLine] | None = (
            vars(self).get("_prefetched_objects_cache", {}).get("lines")
        )
        return self.lines.all() if read is None else read

    @property
    def lines_sum(self) -> Decimal | None:
        """Dollars a year over the lines, None while any line has no premium."""
        premiums = [line.premium_annual for line in self.held]
        if not premiums or None in premiums:
            return None
        return sum((p for p in premiums if p is not None), Decimal(0))

    def line(self, line: str) -> QuoteLine | None:
        """This quote's line of business `line`, from prefetched lines."""
        for each in self.held:
            if each.line == line:
                return each
        return None


class QuoteLine(ReadModel):
    """One line of business inside a quote; on the wire it becomes an offering."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    quote = models.ForeignKey(Quote, on_delete=models.CASCADE, related_name="lines")
    line = models.CharField(max_length=10, choices=Line.choices)
    position = models.PositiveIntegerField(default=0, help_text="Its place among the offerings.")
    quote_ref = models.CharField("quote id", max_length=120, blank=True)
    premium_annual = PremiumField("annual premium", null=True, blank=True)
    product_name = models.CharField("product", max_length=200, blank=True)
    offering_id = models.CharField(
        max_length=200, blank=True, editable=False, help_text="The offering id it came with."
    )
    document = SealedDocumentField(
        default=dict, blank=True, editable=False, help_text="The line as input.quotes gave it."
    )
    offering_document = SealedDocumentField(
        default=dict, blank=True, editable=False, help_text="The offering as it came, if it did."
    )
    details = SealedDocumentField(
        default=dict,
        blank=True,
        editable=False,
        help_text="Limits, deductibles and the like that differ from what the documents say.",
    )
    origins = DocumentField(
        default=dict, blank=True, editable=False, help_text="Column → where its value came from."
    )

    class Meta:
        ordering = ["position", "id"]
        indexes = [models.Index(name="quote_line_quote_ref", fields=["quote_ref"])]
        constraints = [
            models.UniqueConstraint(name="quote_line_once", fields=["quote", "line"]),
            models.CheckConstraint(name="quote_line_known", condition=Q(line__in=LINES)),
            within("premium_annual", 0, 9999999, "quote_line_premium"),
        ]

    def __str__(self) -> str:
        return f"{self.quote.carrier_name} {self.get_line_display().lower()}"

    @property
    def wire_id(self) -> str:
        """The offering's id: the one it came with, else made of this line's own UUID."""
        return self.offering_id or f"line_{self.id}"
