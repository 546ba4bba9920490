"""By which names a carrier is recognised, and that none is taken for another."""

from __future__ import annotations

import importlib

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from quotes.models import Carrier, CarrierAlias
from quotes.models.carrier import carrier_key, loose_key
from quotes.services.carriers import merge_carriers

pytestmark = pytest.mark.django_db

PURE = ("Pure", "PURE Insurance", "Pure Insurance Co.", "the PURE group", " pure,  inc. ", "PURE®")


@pytest.mark.parametrize("first", PURE)
def test_whichever_spelling_comes_first_the_others_find_it(first):
    carrier = Carrier.objects.named(first)
    for name in PURE:
        assert Carrier.objects.named(name) == carrier
    assert Carrier.objects.count() == 1
    assert carrier.name == first.strip(), "it is called as it was first written"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alder", "Alder Mutual"),
        ("Alder Casualty", "Alder Mutual"),
        ("Alder & Pine", "Pine & Alder"),
        ("Pure", "Puré"),
        ("Insurance Company", "Group Inc."),
        ("State Farm", "State Auto"),
    ],
)
def test_names_that_say_something_else_are_other_carriers(one, other):
    assert Carrier.objects.named(one) != Carrier.objects.named(other)


def test_a_short_name_that_fits_two_carriers_is_taken_for_neither():
    # Two that an office keeps apart, though their names differ in company words alone.
    one, other = (Carrier.objects.create(name=name) for name in ("Fen Insurance", "Fen Group"))
    for carrier in (one, other):
        CarrierAlias.objects.create(carrier=carrier, name=carrier.name)
    assert Carrier.objects.named("fen GROUP") == other
    third = Carrier.objects.named("Fen Co.")
    assert third not in (one, other)
    found = Carrier.objects.by_key(["Fen Insurance", "Fen Group", "Fen Company", "Fen Co."])
    assert found == {"fen insurance": one, "fen group": other, "fen co": third}


def test_several_aliases_of_one_carrier_are_no_ambiguity():
    carrier = Carrier.objects.named("Fen Insurance")
    CarrierAlias.objects.create(carrier=carrier, name="Fen Group")
    assert Carrier.objects.named("Fen") == carrier
    assert Carrier.objects.by_key(["Fen"]) == {"fen": carrier}


def test_many_are_found_as_one_is_and_in_one_query(django_assert_num_queries):
    names = [*PURE, "Alder Mutual", "Alder Mutual Insurance", "Unknown"]
    for name in ("Pure", "Alder Mutual"):
        Carrier.objects.named(name)
    with django_assert_num_queries(1):
        found = Carrier.objects.by_key(names)
    assert {key: each.name for key, each in found.items()} == {
        **{carrier_key(name): "Pure" for name in PURE},
        "alder mutual": "Alder Mutual",
        "alder mutual insurance": "Alder Mutual",
    }


def test_a_renamed_alias_is_found_by_its_new_name_alone():
    carrier = Carrier.objects.named("Fen Mutual")
    alias = CarrierAlias.objects.create(carrier=carrier, name="Marsh Insurance")
    alias.name = "Bog Insurance Group"
    alias.save()
    assert Carrier.objects.named("Bog") == carrier
    assert Carrier.objects.named("Marsh") != carrier


def test_after_a_merge_every_short_name_leads_to_the_one_that_stays():
    stays, gone = Carrier.objects.named("Fen Mutual"), Carrier.objects.named("Marsh Insurance")
    merge_carriers(into=stays, others=[gone])
    for name in ("Marsh", "MARSH Group", "Marsh Insurance Co.", "Fen Mutual Insurance"):
        assert Carrier.objects.named(name) == stays
    assert Carrier.objects.count() == 1


def test_merging_two_that_one_short_name_fits_ends_the_ambiguity():
    one, other = (Carrier.objects.create(name=name) for name in ("Fen Insurance", "Fen Group"))
    for carrier in (one, other):
        CarrierAlias.objects.create(carrier=carrier, name=carrier.name)
    merge_carriers(into=one, others=[other])
    assert Carrier.objects.named("Fen") == one


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("The Hartford Insurance Group", "hartford"),
        ("Alder & Pine, Inc.", "alder pine"),
        ("Fable Mutual Insurance Company", "fable mutual"),
        ("Insurance Company", "insurance company"),
        ("®", "®"),
    ],
)
def test_a_loose_key_keeps_what_tells_carriers_apart(name, key):
    assert loose_key(name) == key


def test_aliases_from_before_short_names_get_theirs_in_the_migration():
    for name in ("PURE Insurance", "Alder Mutual"):
        Carrier.objects.named(name)
    CarrierAlias.objects.update(loose_key="")
    migration = importlib.import_module("quotes.migrations.0003_fast_entry")
    then = MigrationLoader(connection).project_state(("quotes", "0003_fast_entry"))
    migration.fill_loose_keys(then.apps, None)
    assert dict(CarrierAlias.objects.values_list("name", "loose_key")) == {
        "PURE Insurance": "pure",
        "Alder Mutual": "alder mutual",
    }
