"""Carriers and the names they go by."""

from __future__ import annotations

import re
import unicodedata

from django.db import IntegrityError, models, transaction


def carrier_key(name: str) -> str:
    """What spellings of a carrier's name have in common: "Pure  Insurance" → "pure insurance"."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[^\w]+", " ", plain).strip()[:120] or plain.strip()[:120]


class CarrierManager(models.Manager["Carrier"]):
    def named(self, name: str) -> Carrier:
        """The carrier that goes by `name`, made when no carrier does.

        Single-carrier or mixed, filters and reports all depend on this answer, so every
        spelling leads to one carrier through its aliases.
        """
        key = carrier_key(name)
        found = self.filter(aliases__key=key).first()
        if found:
            return found
        try:
            with transaction.atomic():
                carrier = self.create(name=name.strip()[:120])
                CarrierAlias.objects.create(carrier=carrier, name=carrier.name, key=key)
                return carrier
        except IntegrityError:
            # Somebody made the same carrier between the look and the write.
            return self.get(aliases__key=key)

    def by_key(self, names: set[str]) -> dict[str, Carrier]:
        """Known carriers for many names in one query, by `carrier_key`."""
        keys = {carrier_key(name) for name in names}
        aliases = CarrierAlias.objects.filter(key__in=keys).select_related("carrier")
        return {alias.key: alias.carrier for alias in aliases}


class Carrier(models.Model):
    """An insurer, as the office calls it."""

    name = models.CharField(max_length=120)
    objects = CarrierManager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class CarrierAlias(models.Model):
    """One spelling of a carrier's name; the carrier's own name is one of them."""

    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="aliases")
    name = models.CharField(max_length=120)
    key = models.CharField(max_length=120, unique=True, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "carrier aliases"

    def __str__(self) -> str:
        return self.name

    def save(self, *args: object, **kwargs: object) -> None:
        self.key = carrier_key(self.name)
        super().save(*args, **kwargs)  # type: ignore[arg-type]
