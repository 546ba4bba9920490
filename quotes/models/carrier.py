"""Carriers and the names they go by."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from functools import lru_cache

from django.db import IntegrityError, models, transaction

from quotes.models.prepared import prepared


@lru_cache(maxsize=2000)
def carrier_key(name: str) -> str:
    """What spellings of a carrier's name have in common: "Pure  Insurance" → "pure insurance"."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[^\w]+", " ", plain).strip()[:120] or plain.strip()[:120]


COMPANY_WORDS = frozenset(
    {
        "the", "of", "insurance", "ins", "assurance", "company", "companies", "co", "inc",
        "incorporated", "llc", "corp", "corporation", "group", "grp",
    }
)  # fmt: skip
"""What tells no two carriers apart. "Mutual" and "Casualty" do: they stay."""


def loose_key(name: str) -> str:
    """What a carrier's short and full names have in common: "PURE Insurance Co." → "pure"."""
    words = carrier_key(name).split()
    return " ".join(word for word in words if word not in COMPANY_WORDS) or " ".join(words)


class CarrierManager(models.Manager["Carrier"]):
    def named(self, name: str) -> Carrier:
        """The carrier that goes by `name`, made when no carrier does.

        Single-carrier or mixed, filters and reports all depend on this answer, so every
        spelling leads to one carrier through its aliases.
        """
        key = carrier_key(name)
        found = self.filter(aliases__key=key).first() or self._loosely(name)
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

    def _loosely(self, name: str) -> Carrier | None:
        """The one carrier whose name or alias says the same but for words like "Insurance"."""
        alike = self.filter(aliases__loose_key=loose_key(name)).distinct()[:2]
        return alike[0] if len(alike) == 1 else None

    def by_key(self, names: Iterable[str]) -> dict[str, Carrier]:
        """Known carriers for many names in one query, by `carrier_key`, found as `named` does."""
        keys = {carrier_key(name): loose_key(name) for name in names}
        exact: dict[str, Carrier] = {}
        loose: dict[str, set[Carrier]] = {}
        for key, short, pk, name in _aliases(list(keys), list(set(keys.values()))):
            carrier = Carrier.from_db(self.db, ("id", "name"), (pk, name))
            exact[key] = carrier
            loose.setdefault(short, set()).add(carrier)
        found = {}
        for key, short in keys.items():
            candidates = {exact[key]} if key in exact else loose.get(short, set())
            if len(candidates) == 1:
                found[key] = next(iter(candidates))
        return found


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
    loose_key = models.CharField(
        max_length=120,
        db_index=True,
        default="",
        editable=False,
        help_text="The key without what companies of any name are called.",
    )

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "carrier aliases"

    def __str__(self) -> str:
        return self.name

    def save(self, *args: object, **kwargs: object) -> None:
        self.key, self.loose_key = carrier_key(self.name), loose_key(self.name)
        super().save(*args, **kwargs)  # type: ignore[arg-type]


@prepared
def _aliases(
    keys: Collection[str], loosely: Collection[str]
) -> models.QuerySet[CarrierAlias, tuple[str, str, int, str]]:
    """Names that say one of these exactly or loosely, each with its carrier's key and name."""
    alike = models.Q(key__in=keys) | models.Q(loose_key__in=loosely)
    rows = CarrierAlias.objects.filter(alike).order_by()
    return rows.values_list("key", "loose_key", "carrier", "carrier__name")
