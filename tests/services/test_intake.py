"""Which insured and which quotes an imported document is, and what importing it changes."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any, cast

import pytest

from quotes.models import Carrier, Driver, IncumbentPolicy, Insured, Quote, QuoteLine, User, Vehicle
from quotes.services.intake import Intake
from tests.factories import EXAMPLES, import_example, import_value, make_user
from tests.services.watch import elsewhere

pytestmark = pytest.mark.django_db


def document(**changes: Any) -> dict[str, Any]:
    value: dict[str, Any] = {
        "applicant": {"name": "Hollis Thornbury"},
        "address": {"state": "CO", "zip_code": "80302"},
        "coverage_types": ["home"],
        "quotes": [quote()],
    }
    return value | changes


def quote(**changes: Any) -> dict[str, Any]:
    value: dict[str, Any] = {
        "package_id": "p1", "carrier": "Larkspur Mutual",
        "home": {"quote_id": "q1", "premium_annual": 1000},
    }  # fmt: skip
    return value | changes


@pytest.fixture
def broker() -> User:
    return make_user("broker", "broker")


@pytest.mark.parametrize("key", ["id", "insured_id", "household_id"])
def test_own_id_makes_the_same_insured_whatever_else_changed(key: str) -> None:
    first = import_value(document(**{key: "H-1"}))
    moved = document(**{key: "H-1"}, applicant={"name": "Other"}, address={"state": "CA"})
    again = import_value(moved)
    assert (again.insured.pk, again.created) == (first.insured.pk, False)
    again.insured.refresh_from_db()
    assert (again.insured.applicant_name, again.insured.state) == ("Other", "CA")


def test_another_own_id_makes_another_insured_under_the_same_name() -> None:
    import_value(document(id="H-1"))
    assert import_value(document(id="H-2")).created


@pytest.mark.parametrize("key", ["account_id", "client_id", "id", "household_id"])
def test_an_id_of_the_sender_merges_no_households(key: str) -> None:
    """Such ids stand on every household an account sends, and so may one beside `input`."""
    beside = key in {"id", "household_id"}
    found = set()
    for name in ("Hollis Thornbury", "Iris Larkin"):
        value = document(applicant={"name": name})
        value = {"input": value, key: "A-1"} if beside else value | {key: "A-1"}
        found.add(import_value(value).insured.pk)
    assert len(found) == 2


def test_own_id_left_out_later_makes_a_second_household_under_the_same_name() -> None:
    first = import_value(document(id="H-1"))
    assert import_value(document()).insured.pk != first.insured.pk


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("owned", [True, False])
def test_first_imports_of_the_same_file_at_the_same_moment_make_one_household(owned: bool) -> None:
    owner = make_user("twice", "broker") if owned else None

    def take(start: Barrier, name: str) -> Intake:
        start.wait(10)
        value = document(applicant={"name": name})
        return cast("Intake", elsewhere(lambda: import_value(value, owner)))

    with ThreadPoolExecutor(4) as threads:
        for number in range(5):
            start = Barrier(4)
            futures = [threads.submit(take, start, f"Hollis Thornbury {number}") for _ in range(4)]
            found = [future.result(30) for future in futures]
            assert sorted(each.created for each in found) == [False, False, False, True]
            assert len({each.insured.pk for each in found}) == 1
    assert Insured.objects.count() == Quote.objects.count() == 5


@pytest.mark.parametrize(
    "applicant",
    [
        {"name": " hollis  THORNBURY "},
        {"full_name": "Hollis Thornbury"},
        {"first_name": "Hollis", "last_name": "Thornbury", "email": "h@example.com"},
    ],
)
def test_name_state_and_zip_make_the_same_insured(applicant: dict[str, str]) -> None:
    first = import_value(document())
    moved = document(applicant=applicant, address={"state": "co", "zip_code": "80302-1234"})
    assert import_value(moved).insured.pk == first.insured.pk


@pytest.mark.parametrize(
    "changes",
    [
        {"applicant": {"name": "Iris Thornbury"}},
        {"address": {"state": "NM", "zip_code": "80302"}},
        {"address": {"state": "CO", "zip_code": "80303"}},
    ],
)
def test_another_name_state_or_zip_makes_another_insured(changes: dict[str, Any]) -> None:
    import_value(document())
    assert import_value(document(**changes)).created


def test_without_a_name_the_content_without_quotes_decides() -> None:
    plain = document(residence={"year_built": 1997})
    del plain["applicant"]
    first = import_value(plain)
    requoted = plain | {"quotes": [quote(package_id="p9")], "coverage_types": ["home", "auto"]}
    assert import_value(requoted).insured.pk == first.insured.pk
    assert import_value(plain | {"residence": {"year_built": 1998}}).created


def test_insureds_are_told_apart_by_owner(broker: User) -> None:
    other = make_user("broker2", "broker")
    found = {import_value(document(), owner).insured.pk for owner in (None, broker, other, broker)}
    assert len(found) == 3
    assert set(Insured.objects.values_list("owner", flat=True)) == {None, broker.pk, other.pk}


def test_quote_is_the_same_by_package_id_whatever_else_changed() -> None:
    first = import_value(document())
    changed = quote(carrier="Alder & Pine", home={"quote_id": "q9", "premium_annual": 5})
    again = import_value(document(quotes=[changed]))
    assert [q.pk for q in again.quotes] == [q.pk for q in first.quotes]
    assert (again.quotes_created, again.quotes_changed) == (0, 1)
    assert QuoteLine.objects.get().premium_annual == 5
    assert Quote.objects.get().carrier.name == "Alder & Pine"


def test_quote_without_package_id_is_the_same_by_carrier_and_its_lines_ids() -> None:
    plain = quote(package_id=None)
    first = import_value(document(quotes=[plain]))
    cheaper = quote(package_id=None, carrier="larkspur  mutual")
    cheaper["home"]["premium_annual"] = 900
    assert import_value(document(quotes=[cheaper])).quotes[0].pk == first.quotes[0].pk
    other = quote(package_id=None, home={"quote_id": "q2", "premium_annual": 1000})
    assert import_value(document(quotes=[other])).quotes_created == 1


def test_package_id_given_later_is_taken_on() -> None:
    first = import_value(document(quotes=[quote(package_id=None)]))
    again = import_value(document(quotes=[quote(package_id=77)]))
    assert again.quotes[0].pk == first.quotes[0].pk
    assert Quote.objects.get().package_id == "77"


def test_quotes_of_earlier_imports_stay() -> None:
    import_value(document())
    again = import_value(document(quotes=[quote(package_id="p2", carrier="Alder & Pine")]))
    assert [q.package_id for q in again.quotes] == ["p2"]
    assert Quote.objects.filter(insured=again.insured).count() == 2


def test_line_that_is_gone_from_its_quote_is_removed() -> None:
    import_value(document(quotes=[quote(auto={"quote_id": "q2", "premium_annual": 5})]))
    import_value(document())
    assert [line.line for line in QuoteLine.objects.all()] == ["home"]


def everything() -> list[Any]:
    models = (Insured, Driver, Vehicle, IncumbentPolicy, Carrier, Quote, QuoteLine)
    return [list(model.objects.order_by("pk").values()) for model in models]


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.json")))
def test_importing_twice_changes_no_row(name: str, broker: User) -> None:
    first = import_example(name, broker)
    before = everything()
    again = import_example(name, broker)
    assert everything() == before
    assert not again.created
    assert (again.quotes_created, again.quotes_changed) == (0, 0)
    assert again.quotes_unchanged == len(first.quotes) > 0


def test_spellings_of_a_carrier_are_one_carrier() -> None:
    spelled = [quote(package_id=n, carrier=c) for n, c in enumerate(("PURE", "Pure ", "pure"), 1)]
    import_value(document(quotes=spelled))
    assert Carrier.objects.count() == 1
    assert [q.carrier_name for q in Quote.objects.all()] == ["PURE", "Pure", "pure"]


def test_long_values_are_cut_in_columns_and_whole_in_the_document() -> None:
    long = "n" * 150
    value = document(
        applicant={"first_name": long, "last_name": long},
        drivers=[{"first_name": long, "last_name": long}],
        vehicles_detail=[{"make": long, "model": long, "primary_driver": long * 3}],
        current_coverage={"home": {"carrier": long}},
    )
    found = import_value(copy.deepcopy(value)).insured
    found.refresh_from_db()
    assert found.document["applicant"] == value["applicant"]
    assert found.vehicles.get().document == value["vehicles_detail"][0]


def test_imported_moments_end_at_the_offices_midnight() -> None:
    import_value(document(quotes=[quote(quote_expires_at="2026-12-20")]))
    assert Quote.objects.get().expires_at == datetime(2026, 12, 21, 5, tzinfo=UTC)
