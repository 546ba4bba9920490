"""Which households are told to be like one that is about to be saved."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from quotes.models import Insured, User, Vehicle
from quotes.models.vin import read_vin
from quotes.services.alike import folded_name, folded_street
from quotes.services.likeness import (
    COMMON_CAR,
    MOST_SHOWN,
    Household,
    likely_duplicates,
    many_likely_duplicates,
)

VIN, OTHER_VIN = "1HGCM82633A004352", "1HGCM82633A004353"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ana & Luis Rivera", "Luis Rivera and Ana"),
        ("Rivera, Ana", "ana RIVERA"),
        ("José Díaz", "Jose Diaz"),
        ("Siobhan O'Neil", "Siobhan O’Neil"),
        ("Mrs. Ana Rivera", "Ana Rivera"),
        ("Anne-Marie Fiction", "Anne Marie Fiction"),
    ],
)
def test_spellings_of_one_name(one, other):
    assert folded_name(one) == folded_name(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Ana Rivera", "Ana Rivers"), ("Bo Fiction Jr", "Bo Fiction Sr")]
)
def test_two_names(one, other):
    assert folded_name(one) != folded_name(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("18 Pretend Cove Lane", "18 PRETEND COVE LN."),
        ("12 North Main Street Apt. 4", "12 N Main St, #4"),
        ("12 Main St Apartment 4", "12 Main Street Unit 4"),
        ("12 Main St Apt #4", "12 Main St Ste 4"),
        ("5 O'Hara Blvd", "5 OHara Boulevard"),
    ],
)
def test_spellings_of_one_street(one, other):
    assert folded_street(one) == folded_street(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [("12 Main St", "12 Main Ave"), ("12 Main St Apt 4", "12 Main St"), ("1 A St", "11 A St")],
)
def test_two_streets(one, other):
    assert folded_street(one) != folded_street(other)


@pytest.mark.parametrize("street", ["", "Main Street", "12"])
def test_what_is_no_address_by_itself(street):
    assert folded_street(street) == ""


@pytest.mark.parametrize(
    ("value", "vin"),
    [
        (VIN, VIN),
        ("1hgcm8 2633-a004352", VIN),
        ({"vin": VIN}, VIN),
        ({"VIN": VIN.lower()}, VIN),
        ({"vehicle_identification_number": VIN}, VIN),
        ({"vin": "unknown"}, ""),
        ({"vin": 17}, ""),
        ("1HGCM82633A00435", ""),
        ("1HGCM82633AOO4352", ""),
        (None, ""),
    ],
)
def test_a_vin_as_it_may_be_stated(value, vin):
    assert read_vin(value) == vin


def stored(owner: User, name: str = "Ana & Luis Rivera", **columns: Any) -> Insured:
    place = {"street": "12 Main Street", "city": "Fable", "state": "OH", "zip_code": "43004"}
    return Insured.objects.create(owner=owner, applicant_name=name, **place | columns)


def car(insured: Insured, vin: str = "", **columns: Any) -> Vehicle:
    known = {"year": 2020, "make": "Fable", "model": "One", "garaging_zip": "43004"} | columns
    return Vehicle.objects.create(insured=insured, document={"vin": vin} if vin else {}, **known)


ELSEWHERE: dict[str, Any] = {
    "street": "9 Far Road",
    "city": "Far",
    "state": "TX",
    "zip_code": "78701",
}
CAR = {"year": 2020, "make": "FABLE", "model": "one", "garaging_zip": "43004-1234"}
NAME, STREET, BOTH = ("same name",), ("same address",), ("same name", "same address")
LIKE, CARS = ("nearly the same name",), ("same vehicle",)


@pytest.mark.django_db
class TestReasons:
    @pytest.mark.parametrize(
        ("household", "reasons"),
        [
            (Household("Luis Rivera and Ana", **ELSEWHERE), NAME),
            (Household("Ana & Luis Riviera", **ELSEWHERE), LIKE),
            (Household("Anna & Luis Rivera", **ELSEWHERE), LIKE),
            (Household("Ana Rivera", "9 Far Rd", "", "OH", "43004-9999"), LIKE),
            (Household("Ana Rivera", **ELSEWHERE), None),
            (Household("Ana & Luis Fiction", **ELSEWHERE), None),
            (Household("Cora Story", "12 Main St.", "", "OH", "43004-1234"), STREET),
            (Household("Cora Story", "12 Main St.", "", "OH", "43005"), None),
            (Household("Ana & Luis Rivera", "12 Main St", "", "OH", "43004"), BOTH),
            (Household("Cora Story", vehicles=[CAR], **ELSEWHERE), CARS),
            (Household("Cora Story", vehicles=[CAR | {"year": 2021}], **ELSEWHERE), None),
            (Household("Cora Story", vehicles=[CAR | {"garaging_zip": ""}], **ELSEWHERE), None),
            (Household("Cora Story", vehicles=[{"document": {"vin": VIN}}], **ELSEWHERE), CARS),
            # A VIN that differs says that it is another car, however alike.
            (Household("Cora Story", vehicles=[CAR | {"vin": OTHER_VIN}], **ELSEWHERE), None),
            (Household(), None),
        ],
    )
    def test_one_household(self, people, household, reasons):
        insured = stored(people["broker"])
        car(insured, VIN)
        found = likely_duplicates(owner=people["broker"], household=household)
        expected = [] if reasons is None else [(insured, reasons)]
        assert [(each.insured, each.reasons) for each in found] == expected

    def test_a_car_without_a_vin_is_known_by_its_kind_and_place(self, people):
        insured = stored(people["broker"])
        car(insured)
        household = Household("Cora Story", vehicles=[CAR | {"vin": OTHER_VIN}])
        assert likely_duplicates(owner=people["broker"], household=household)[0].insured == insured

    def test_a_car_that_many_have_tells_nobody_apart(self, people):
        for number in range(COMMON_CAR + 1):
            car(stored(people["broker"], f"Fiction {number}", street=f"{number} Elm St"))
        household = Household("Cora Story", vehicles=[CAR])
        assert likely_duplicates(owner=people["broker"], household=household) == []

    def test_nothing_of_another_broker_and_nothing_excluded(self, people):
        stored(people["other"])
        mine = stored(people["broker"])
        household = Household("Ana & Luis Rivera")
        found = likely_duplicates(owner=people["broker"], household=household)
        assert [each.insured for each in found] == [mine]
        assert (
            likely_duplicates(owner=people["broker"], household=household, exclude=[mine.pk]) == []
        )

    def test_one_that_was_renewed_stands_back_for_its_renewal(self, people):
        old = stored(people["broker"])
        new = stored(people["broker"], renewal_of=old)
        found = likely_duplicates(owner=people["broker"], household=Household("Ana & Luis Rivera"))
        assert [each.insured for each in found] == [new]

    def test_the_likeliest_come_first_and_only_so_many(self, people):
        for number in range(MOST_SHOWN + 3):
            stored(people["broker"], street=f"{number} Elm St", zip_code="43009")
        same = stored(people["broker"])
        household = Household("Ana & Luis Rivera", "12 Main St", "", "OH", "43004")
        found = likely_duplicates(owner=people["broker"], household=household)
        assert len(found) == MOST_SHOWN
        assert found[0].insured == same


@pytest.mark.django_db
def test_many_are_looked_for_in_as_many_queries_as_few(people):
    for number in range(40):
        car(stored(people["broker"], f"Ana Fiction{number}", street=f"{number} Elm St"), VIN)

    def ask(count: int) -> int:
        households = [
            Household(f"Ana Fiction{n}", f"{n} Elm St", "", "OH", "43004", [CAR | {"vin": VIN}])
            for n in range(count)
        ]
        with CaptureQueriesContext(connection) as asked:
            found = many_likely_duplicates(owner=people["broker"], households=households)
        assert len(found) == count
        assert all(found)
        return len(asked)

    assert ask(1) == ask(40) <= 4


@pytest.mark.django_db
def test_many_vins_at_once_are_found_too(people):
    insured = stored(people["broker"])
    car(insured, VIN)
    vins = [f"{VIN[:-3]}{number:03}" for number in range(100)]
    households = [Household("Cora Story", vehicles=[{"vin": vin}]) for vin in [*vins, VIN]]
    found = many_likely_duplicates(owner=people["broker"], households=households)
    assert [[each.insured for each in hits] for hits in found[-1:]] == [[insured]]
