"""Households that may be the same one: by name, by address, by vehicle.

Only the broker's own insureds are looked at. A likeness is pointed out and decides nothing: two
households may share a name, and a father and a son an address.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any
from uuid import UUID

from django.db.models import Q

from quotes.models import Insured, User, Vehicle
from quotes.models.vin import read_vin
from quotes.services.alike import folded_name, folded_street

TYPO = 0.9
"""SequenceMatcher's ratio from which two names differ by a slip: one letter in about twenty."""
MOST_SHOWN = 5
MOST_COMMON = 300
"""A word that more of the broker's insureds have in their names is no lead to a typo."""
COMMON_CAR = 3
"""A car that more insureds than this have, by year, make, model and ZIP, tells nobody apart."""
FEW_VINS = 30
"""Up to so many the database looks for each VIN itself; past it all that are stated are read."""
SAME_NAME, LIKE_NAME = "same name", "nearly the same name"
SAME_ADDRESS, SAME_VEHICLE = "same address", "same vehicle"


@dataclass(frozen=True)
class Household:
    """What is known of a household that is about to be saved.

    `vehicles` are columns by name (`year`, `make`, `model`, `garaging_zip`), with `vin` or the
    imported `document` where there is one.
    """

    applicant_name: str = ""
    street: str = ""
    city: str = ""
    state: str = ""
    zip_code: str = ""
    vehicles: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Likeness:
    """An insured that may be the same household, and in words why."""

    insured: Insured
    reasons: tuple[str, ...]


def likely_duplicates(
    *, owner: User, household: Household, exclude: Collection[UUID] = ()
) -> list[Likeness]:
    """Insureds of `owner`, or shared with them, that may be this household, the likeliest first,
    at most `MOST_SHOWN`.

    One that was renewed is left out for its renewal. `exclude` names more to leave out.
    """
    return many_likely_duplicates(owner=owner, households=[household], exclude=exclude)[0]


def many_likely_duplicates(
    *, owner: User, households: Sequence[Household], exclude: Collection[UUID] = ()
) -> list[list[Likeness]]:
    """`likely_duplicates` for each of `households`, in at most four queries for all of them.

    They read four short columns of all the owner's insureds and of those shared with them, by
    the indexes over both, and never their documents; names and streets are folded and looked up
    in dictionaries. Only names that share a word, or stand in the same ZIP, are compared letter by
    letter. Vehicles are asked for by the years and makes, or the VINs, that the households state.
    """
    book = _Book(owner, exclude, {each.zip_code[:5] for each in households} - {""})
    cars = _same_cars(book, households)
    hits = [book.reasons(each, cars[index]) for index, each in enumerate(households)]
    wanted = {pk for found in hits for pk, _ in found}
    rows = Insured.objects.defer("document", "body_document", "origins").in_bulk(list(wanted))
    return [[Likeness(rows[pk], why) for pk, why in found if pk in rows] for found in hits]


class _Book:
    """The insureds a broker works on, by what they may be recognised by."""

    def __init__(self, owner: User, exclude: Collection[UUID], zips: Collection[str]) -> None:
        self.owner = owner
        self.names: dict[UUID, frozenset[str]] = {}
        self.zips: dict[UUID, str] = {}
        self.by_name: dict[frozenset[str], list[UUID]] = defaultdict(list)
        self.by_word: dict[str, list[UUID]] = defaultdict(list)
        self.by_zip: dict[str, list[UUID]] = defaultdict(list)
        self.by_address: dict[tuple[str, str], list[UUID]] = defaultdict(list)
        mine = Insured.objects.recognised_for(owner)
        renewed = mine.filter(renewal_of__isnull=False).values_list("renewal_of", flat=True)
        rows, left_out = mine.order_by("-updated_at"), {*exclude, *renewed}
        for pk, name, street, zip_code in rows.values_list(
            "pk", "applicant_name", "street", "zip_code"
        ):
            if pk in left_out:
                continue
            words = folded_name(name)
            self.names[pk], self.zips[pk] = words, zip_code[:5]
            self.by_zip[zip_code[:5]].append(pk)
            if words:
                self.by_name[words].append(pk)
            for word in words:
                self.by_word[word].append(pk)
            if zip_code[:5] in zips and (place := folded_street(street)):
                self.by_address[place, zip_code[:5]].append(pk)

    def reasons(
        self, household: Household, cars: Collection[UUID]
    ) -> list[tuple[UUID, tuple[str, ...]]]:
        found: dict[UUID, list[str]] = defaultdict(list)
        words, zip_code = folded_name(household.applicant_name), household.zip_code[:5]
        if words:
            same = self.by_name.get(words, [])
            for pk in same:
                found[pk].append(SAME_NAME)
            for pk in self._like(words, zip_code) - set(same):
                found[pk].append(LIKE_NAME)
        place = folded_street(household.street)
        if place and zip_code:
            for pk in self.by_address.get((place, zip_code), []):
                found[pk].append(SAME_ADDRESS)
        for pk in cars:
            found[pk].append(SAME_VEHICLE)

        def likeliest(hit: tuple[UUID, list[str]]) -> tuple[int, bool, bool]:
            return -len(hit[1]), self.zips[hit[0]] != zip_code, SAME_NAME not in hit[1]

        ranked = sorted(found.items(), key=likeliest)[:MOST_SHOWN]
        return [(pk, tuple(why)) for pk, why in ranked]

    def _like(self, words: frozenset[str], zip_code: str) -> set[UUID]:
        """Insureds whose name differs by a slip, or who in the same ZIP leave one person out."""
        nearby = self.by_zip.get(zip_code, []) if zip_code else []
        leads = {pk for pk in nearby if self.names[pk]}
        for word in words:
            sharing = self.by_word.get(word, [])
            if len(sharing) <= MOST_COMMON:
                leads.update(sharing)
        spelled = SequenceMatcher(b=" ".join(sorted(words)), autojunk=False)
        found = set()
        for pk in leads:
            other = self.names[pk]
            if zip_code and self.zips[pk] == zip_code and _one_left_out(words, other):
                found.add(pk)
                continue
            spelled.set_seq1(" ".join(sorted(other)))
            # The quick ones are upper bounds, and many times cheaper.
            if (
                spelled.real_quick_ratio() >= TYPO
                and spelled.quick_ratio() >= TYPO
                and spelled.ratio() >= TYPO
            ):
                found.add(pk)
        return found


def _one_left_out(one: frozenset[str], other: frozenset[str]) -> bool:
    """ "Ana Rivera" and "Ana & Luis Rivera": all of the shorter name stands in the longer."""
    shorter, longer = sorted((one, other), key=len)
    return len(shorter) >= 2 and shorter < longer


def _same_cars(book: _Book, households: Sequence[Household]) -> list[set[UUID]]:
    """For each household the insureds that have one of its vehicles.

    By VIN where both state one; else by year, make, model and garaging ZIP, all four stated.
    """
    stated = [[_car(vehicle) for vehicle in each.vehicles] for each in households]
    cars = [car for each in stated for car in each]
    vins, plain = {vin for vin, _ in cars if vin}, {car for _, car in cars if car}
    found: list[set[UUID]] = [set() for _ in households]
    if not vins and not plain:
        return found
    by_vin: dict[str, set[UUID]] = defaultdict(set)
    by_car: dict[tuple[Any, ...], dict[UUID, set[str]]] = defaultdict(lambda: defaultdict(set))
    for pk, vin, car in _stored_cars(book, vins, plain):
        by_vin[vin].add(pk)
        if car:
            by_car[car][pk].add(vin)
    for index, each in enumerate(stated):
        for vin, car in each:
            if vin:
                found[index] |= by_vin.get(vin, set())
            holders = by_car.get(car, {}) if car else {}
            if len(holders) <= COMMON_CAR:
                # Two stated VINs that differ are two cars, however alike.
                found[index] |= {pk for pk, known in holders.items() if not vin or "" in known}
    return found


def _stored_cars(
    book: _Book, vins: Collection[str], plain: Collection[tuple[Any, ...]]
) -> Iterable[tuple[UUID, str, tuple[Any, ...] | None]]:
    rows = Vehicle.objects.filter(insured__in=Insured.objects.recognised_for(book.owner))
    alike = Q(pk__in=())
    for year, zips in _by_year(plain).items():
        alike |= Q(year=year, garaging_zip__regex=rf"^({'|'.join(sorted(zips))})")
    # Past so many, all that state one are cheaper to read than to ask for each.
    alike |= Q(vin__in=vins) if len(vins) <= FEW_VINS else ~Q(vin="")
    columns = ("insured_id", "year", "make", "model", "garaging_zip", "vin")
    for pk, *stated in rows.filter(alike).values_list(*columns):
        if pk in book.names:
            vin, car = _car(dict(zip(columns[1:], stated, strict=True)))
            yield pk, vin, car


def _by_year(cars: Iterable[tuple[Any, ...]]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    for year, _, _, zip_code in cars:
        found[year].add(zip_code)
    return found


def _car(vehicle: Mapping[str, Any]) -> tuple[str, tuple[Any, ...] | None]:
    """A vehicle's VIN, and what else tells it: either may be missing."""
    columns = ("year", "make", "model", "garaging_zip")
    year, make, model, zip_code = (vehicle.get(name) for name in columns)
    plain = (year, str(make).casefold(), str(model).casefold(), str(zip_code)[:5])
    vin = read_vin(vehicle.get("vin")) or read_vin(vehicle.get("document"))
    return vin, plain if all((year, make, model, zip_code)) else None
