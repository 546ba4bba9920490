"""The insured: the household to be covered."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from quotes.models.carrier import Carrier
from quotes.models.fields import DocumentField, PremiumField, within
from quotes.models.lines import LINES, Line
from quotes.models.read_rows import ReadModel
from quotes.models.sealed_fields import SealedDocumentField
from quotes.models.vin import VIN_CHARS, read_vin

if TYPE_CHECKING:
    from quotes.models.user import User

UNNAMED = "Unnamed insured"


class InsuredQuerySet(models.QuerySet["Insured"]):
    def visible_to(self, user: User | AnonymousUser, *, any_shared: bool = True) -> Self:
        """Brokers see their own insureds and those shared with them, managers those of their
        offices' brokers, admins all; nobody else sees any. Without `any_shared` a broker sees
        their own alone, which a database finds sooner: nearly nobody shares any."""
        if isinstance(user, AnonymousUser) or not user.is_active:
            return self.none()
        if user.sees_all:
            return self
        if user.offices_seen:
            theirs = Insured.objects.filter(owner__office__in=user.offices_seen)
            return self.filter(pk__in=theirs.order_by().values("pk").union(_worked_on(user)))
        return self.editable_by(user, any_shared=any_shared)

    def editable_by(self, user: User | AnonymousUser, *, any_shared: bool = True) -> Self:
        """Only the broker whose insured it is, and whom it is shared with, change it. Without
        `any_shared` as above."""
        if isinstance(user, AnonymousUser) or not user.is_active or not user.is_broker:
            return self.none()
        if not any_shared:
            return self.filter(owner=user)
        return self.filter(pk__in=_worked_on(user))

    def recognised_for(self, owner: User | None) -> Self:
        """Among which a household that `owner` brings in may be known already: their own, and
        those that colleagues share with them, so that none is entered twice. None is nobody,
        whose is what the command line brought without a broker."""
        if owner is None:
            return self.filter(owner__isnull=True)
        return self.filter(pk__in=_own_or_shared(owner))


def _worked_on(user: User) -> Any:
    """Ids of the insureds a broker works on. A union and not an OR: each half has an index."""
    if not user.is_broker:
        return Insured.objects.none().order_by().values("pk")
    return _own_or_shared(user)


def _own_or_shared(user: User) -> Any:
    own = Insured.objects.filter(owner=user).order_by().values("pk")
    return own.union(InsuredShare.objects.filter(user=user).order_by().values("insured"))


class Insured(ReadModel):
    """A household: applicant, address, residence and history.

    `document` is the `input` value as it was imported, without what has rows of its own
    (drivers, vehicles, incumbents, quotes). Columns hold what is searched and listed; a column
    that was edited is laid over the document when a request is made, so unknown keys travel on.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="insureds",
        help_text="The broker; nobody for what the command line made without one.",
    )
    applicant_name = models.CharField(max_length=200, blank=True)
    street = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=120, blank=True)
    state = models.CharField(max_length=2, blank=True)
    zip_code = models.CharField(max_length=10, blank=True)
    identity_key = models.CharField(
        max_length=300,
        blank=True,
        editable=False,
        help_text="By what a later import of the same household is recognised.",
    )
    document = SealedDocumentField(default=dict, blank=True, editable=False)
    body_document = SealedDocumentField(
        default=dict,
        blank=True,
        editable=False,
        help_text="Keys of an imported submit body beside input and offerings.",
    )
    renewal_of = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="renewals"
    )
    origins = DocumentField(
        default=dict, blank=True, editable=False, help_text="Column → where its value came from."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = InsuredQuerySet.as_manager()

    class Meta:
        ordering = ["-updated_at", "id"]
        indexes = [
            models.Index(fields=["owner", "-updated_at"]),
            models.Index(name="insured_latest", fields=["-updated_at", "id"]),
            # A search reads all names: from here, and not from the households' wide rows.
            models.Index(name="insured_name", fields=["applicant_name", "id"]),
        ]
        constraints = [
            models.UniqueConstraint(
                name="insured_once_per_owner",
                fields=["owner", "identity_key"],
                condition=~Q(identity_key="") & Q(owner__isnull=False),
            ),
            models.UniqueConstraint(
                name="insured_once_without_owner",
                fields=["identity_key"],
                condition=~Q(identity_key="") & Q(owner__isnull=True),
            ),
            models.CheckConstraint(
                name="insured_state_is_two_letters",
                condition=Q(state="") | Q(state__regex=r"^[A-Z]{2}$"),
            ),
            models.CheckConstraint(
                name="insured_zip_is_five_digits",
                condition=Q(zip_code="") | Q(zip_code__regex=r"^[0-9]{5}(-[0-9]{4})?$"),
            ),
        ]

    def __str__(self) -> str:
        return self.shown_name

    @property
    def shown_name(self) -> str:
        return self.applicant_name or UNNAMED

    @property
    def place(self) -> str:
        """ "Huntington Beach, CA 92648", as much of it as is stated."""
        tail = " ".join(part for part in (self.state, self.zip_code) if part)
        return ", ".join(part for part in (self.city, tail) if part)

    @property
    def requested_lines(self) -> list[str]:
        """The lines asked for when last stated, in that order; all three by default."""
        stated = self.document.get("coverage_types") if isinstance(self.document, dict) else None
        if isinstance(stated, list):
            lines = [line for line in stated if line in LINES]
            if lines:
                return lines
        return list(LINES)


class InsuredShare(models.Model):
    """An insured that its broker shares with a colleague, who then works on it as well.

    A producer and a service representative share a household; who shared it when is in the audit.
    """

    insured = models.ForeignKey(Insured, on_delete=models.CASCADE, related_name="shares")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="insureds_shared"
    )
    shared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    shared_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["shared_at", "id"]
        constraints = [
            models.UniqueConstraint(name="insured_shared_once", fields=["insured", "user"]),
        ]

    def __str__(self) -> str:
        return f"shared with {self.user}"


class Driver(ReadModel):
    insured = models.ForeignKey(Insured, on_delete=models.CASCADE, related_name="drivers")
    position = models.PositiveSmallIntegerField(default=0)
    name = models.CharField(max_length=200, blank=True)
    years_licensed = models.PositiveSmallIntegerField(null=True, blank=True)
    violations_5yr = models.PositiveSmallIntegerField(null=True, blank=True)
    document = SealedDocumentField(default=dict, blank=True, editable=False)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            within("years_licensed", 0, 90, "driver_years_licensed"),
            within("violations_5yr", 0, 99, "driver_violations"),
        ]

    def __str__(self) -> str:
        return self.name or f"Driver {self.position + 1}"


class Vehicle(ReadModel):
    insured = models.ForeignKey(Insured, on_delete=models.CASCADE, related_name="vehicles")
    position = models.PositiveSmallIntegerField(default=0)
    year = models.PositiveSmallIntegerField(null=True, blank=True)
    make = models.CharField(max_length=60, blank=True)
    model = models.CharField(max_length=60, blank=True)
    garaging_zip = models.CharField(max_length=10, blank=True)
    primary_driver = models.CharField(max_length=200, blank=True)
    vin = models.CharField(
        max_length=VIN_CHARS,
        blank=True,
        editable=False,
        help_text="As the document states it, by what a household is recognised.",
    )
    document = SealedDocumentField(default=dict, blank=True, editable=False)

    class Meta:
        ordering = ["position", "id"]
        indexes = [models.Index(name="vehicle_vin", fields=["vin"], condition=~Q(vin=""))]
        constraints = [within("year", 1886, 2100, "vehicle_year")]

    def __str__(self) -> str:
        words = [str(self.year) if self.year else "", self.make, self.model]
        return " ".join(word for word in words if word) or f"Vehicle {self.position + 1}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.vin = read_vin(self.document)
        super().save(*args, **kwargs)


class IncumbentPolicy(ReadModel):
    """A policy in force today: one line of `input.current_coverage`."""

    insured = models.ForeignKey(Insured, on_delete=models.CASCADE, related_name="incumbents")
    line = models.CharField(max_length=10, choices=Line.choices)
    carrier = models.ForeignKey(Carrier, on_delete=models.PROTECT, null=True, blank=True)
    carrier_name = models.CharField(max_length=120, blank=True)
    annual_premium = PremiumField(null=True, blank=True)
    document = SealedDocumentField(default=dict, blank=True, editable=False)

    class Meta:
        ordering = ["insured", "id"]
        verbose_name_plural = "incumbent policies"
        constraints = [
            models.UniqueConstraint(name="incumbent_once_per_line", fields=["insured", "line"]),
            models.CheckConstraint(name="incumbent_line_known", condition=Q(line__in=LINES)),
            within("annual_premium", 0, 9999999, "incumbent_premium"),
        ]

    def __str__(self) -> str:
        return f"{self.get_line_display()} with {self.carrier_name or 'a carrier not stated'}"
