"""Documents as JSON: lists of them, what changes, what is refused, and whose they are."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from quotes.models import Insured, Quote
from quotes.services.importing.entry import Blocked, ChangedMeanwhile, Incoming, confirm, prepare
from quotes.services.importing.json_files import MOST_DOCUMENTS
from quotes.services.origins import How, origin_of
from quotes.services.reading import Unreadable
from tests.factories import EXAMPLES
from tests.services.importing.tables import counted, imported, incoming, preview_of, stored

pytestmark = pytest.mark.django_db

QUOTED = {
    "applicant": {"name": "Ana Fable"},
    "address": {"state": "CA", "zip_code": "92602"},
    "quotes": [
        {
            "carrier": "Larkspur Mutual",
            "package_id": "P-1",
            "home": {"quote_id": "H-1", "premium_annual": 4100},
            "auto": {"quote_id": "A-1", "premium_annual": 2400},
        }
    ],
}
BO = QUOTED | {"applicant": {"name": "Bo Ray"}}


@pytest.fixture
def owner(people):
    return people["broker"]


def raw(value: Any) -> bytes:
    return json.dumps(value).encode()


def changed(**premiums: Any) -> dict[str, Any]:
    value = deepcopy(QUOTED)
    for line, premium in premiums.items():
        value["quotes"][0].setdefault(line, {})["premium_annual"] = premium  # type: ignore[index]
    return value


@pytest.mark.parametrize(
    ("value", "insureds", "quotes"),
    [
        (QUOTED, 1, 1),
        ({"input": QUOTED, "offerings": []}, 1, 1),
        ([QUOTED, BO], 2, 2),
        ([{"input": QUOTED}, BO], 2, 2),
        ({"inputs": [QUOTED, BO]}, 2, 2),
    ],
)
def test_one_or_many_in_every_form(owner, value, insureds, quotes):
    before = stored()
    assert counted(preview_of(raw(value), owner)) == ((insureds, 0, 0), (quotes, 0, 0))
    assert stored() == before
    imported(raw(value), owner)
    assert (Insured.objects.count(), Quote.objects.count()) == (insureds, quotes)
    before = stored()
    again = imported(raw(value), owner)
    assert counted(again.preview) == ((0, 0, insureds), (0, 0, quotes))
    assert stored() == before


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.json")))
def test_the_examples_import_and_import_again(owner, name):
    content = (EXAMPLES / name).read_bytes()
    assert prepare(incoming(content, owner, name=name)).problems == []
    imported(content, owner, name=name)
    before = stored()
    assert preview_of(content, owner, name=name).changes_nothing
    imported(content, owner, name=name)
    assert stored() == before


def test_the_preview_says_what_changes_from_and_to(owner):
    imported(raw(QUOTED), owner)
    value = changed(home=3950, umbrella=480)
    value["address"]["city"] = "Irvine"
    preview = preview_of(raw(value), owner)
    (insured,) = preview.insureds
    (quote,) = insured.quotes
    assert [(c.what, c.before, c.after) for c in insured.changes] == [("City", "—", "Irvine")]
    assert [(c.what, c.before, c.after) for c in quote.changes] == [
        ("Home premium", "$4,100", "$3,950"),
        ("Umbrella premium", "—", "$480"),
    ]
    assert counted(preview) == ((0, 1, 0), (0, 1, 0))


def test_a_change_of_what_we_only_keep_is_a_change(owner):
    imported(raw(QUOTED), owner)
    value = deepcopy(QUOTED)
    value["quotes"][0]["home"]["inspection"] = "done"  # type: ignore[index]
    (insured,) = preview_of(raw(value), owner).insureds
    assert (insured.state, insured.quotes[0].state) == ("unchanged", "changed")
    assert insured.quotes[0].also_changed


def test_values_say_which_document_they_came_from(owner):
    imported(raw([QUOTED, BO]), owner, name="two.json")
    bo = Insured.objects.get(applicant_name="Bo Ray")
    line = bo.quotes.get().lines.get(line="home")
    for row, column in ((bo, "applicant_name"), (line, "premium_annual")):
        origin = origin_of(row, column)
        assert origin is not None
        assert (origin.how, origin.where) == (How.IMPORTED, "two.json, document 2")
    imported(raw([changed(home=1)]), owner, name="new.json")
    home, auto = Quote.objects.get(insured__applicant_name="Ana Fable").lines.order_by("position")
    assert [getattr(origin_of(x, "premium_annual"), "where", "") for x in (home, auto)] == [
        "new.json",
        "two.json, document 1",
    ]


def test_pasted_json_says_so(owner):
    confirm(Incoming(raw(QUOTED), "", How.PASTED, owner))
    origin = origin_of(Quote.objects.get(), "package_id")
    assert origin is not None
    assert origin.words == "Pasted"


class TestRefused:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"[" * 10_000 + b"]" * 10_000, "nested too deeply"),
            (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "nested too deeply"),
            (b'{"quotes": [{"carrier": "A", "home": {"premium_annual": NaN}}]}', "NaN is not a"),
            (
                b'{"quotes": [{"carrier": "A", "home": {"premium_annual": Infinity}}]}',
                "not a number",
            ),
            (b"[]", "empty list"),
            (b"[1, 2]", "document 1: must hold a JSON object"),
            (b'{"quotes": [', "is not JSON (line 1"),
            (b'{"quotes": [], "quotes": []}', "stands twice"),
            (b"{" + b" " * (5 * 1024 * 1024), "larger than 5 MB"),
            (raw([QUOTED] * (MOST_DOCUMENTS + 1)), "documents; send at most"),
            (b'{"quotes": "\xff"}', "not UTF-8"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_in_words(self, owner, content, said):
        with pytest.raises(Unreadable) as refused:
            prepare(incoming(content, owner))
        assert said in str(refused.value)

    def test_every_mistake_of_every_document(self, owner):
        broken = changed(home=-1)
        with pytest.raises(Unreadable) as refused:
            prepare(incoming(raw([QUOTED, broken, {"quotes": [{"home": {}}]}]), owner))
        assert [each.field for each in refused.value.mistakes] == [
            "document 2, input.quotes.0.home.premium_annual",
            "document 3, input.quotes.0.carrier",
        ]
        assert stored() == [[], [], []]

    def test_sensitive_keys_are_taken_out_and_named(self, owner):
        value = deepcopy(QUOTED)
        value["applicant"]["ssn"] = "000-00-0000"  # type: ignore[index]
        preview = preview_of(raw([BO, value]), owner)
        assert preview.removed == ["document 2, input.applicant.ssn"]


class TestOpenedForAnInsured:
    @pytest.fixture
    def ana(self, owner):
        return Insured.objects.create(owner=owner, applicant_name="Ana Fable", city="Irvine")

    def test_quotes_alone_are_that_insureds_and_leave_the_profile(self, owner, ana):
        imported(raw({"quotes": QUOTED["quotes"]}), owner, insured=ana)
        assert ana.quotes.count() == 1
        ana.refresh_from_db()
        assert (ana.applicant_name, ana.city) == ("Ana Fable", "Irvine")

    def test_a_document_of_that_name_is_that_insureds(self, owner, ana):
        preview = preview_of(raw(QUOTED), owner, insured=ana)
        assert [(c.what, c.before, c.after) for c in preview.insureds[0].changes] == [
            ("City", "Irvine", "—"),
            ("State", "—", "CA"),
            ("ZIP code", "—", "92602"),
        ]
        imported(raw(QUOTED), owner, insured=ana)
        assert Insured.objects.count() == 1

    def test_another_households_is_refused(self, owner, ana):
        with pytest.raises(Blocked) as refused:
            imported(raw(BO), owner, insured=ana)
        assert "is of Bo Ray, but this import was opened for Ana Fable" in str(
            refused.value.preview.problems[0]
        )
        assert not Quote.objects.exists()


def test_a_likely_misspelt_carrier_is_pointed_out(owner):
    imported(raw(QUOTED), owner)
    value = deepcopy(QUOTED)
    value["quotes"][0] |= {"carrier": "Larkspurr Mutual", "package_id": "P-9"}  # type: ignore[index]
    assert "Did you mean Larkspur Mutual?" in str(preview_of(raw(value), owner).warnings[0])


def test_what_changed_since_the_preview_is_not_overwritten_unseen(owner):
    imported(raw(QUOTED), owner)
    arriving = incoming(raw(changed(home=1)), owner)
    seal = prepare(arriving).seal
    imported(raw(changed(home=2)), owner)
    before = stored()
    with pytest.raises(ChangedMeanwhile):
        confirm(arriving, seal=seal)
    assert stored() == before
