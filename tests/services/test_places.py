"""Which state a ZIP code lies in."""

from __future__ import annotations

import pytest
from localflavor.us.us_states import STATE_CHOICES

from quotes.services.places import PREFIXES, STATE_OF_PREFIX, state_name, states_of_zip

CAPITALS = {
    "AL": "36104", "AK": "99801", "AZ": "85007", "AR": "72201", "CA": "95814", "CO": "80203",
    "CT": "06106", "DE": "19901", "DC": "20001", "FL": "32301", "GA": "30334", "HI": "96813",
    "ID": "83702", "IL": "62701", "IN": "46204", "IA": "50319", "KS": "66612", "KY": "40601",
    "LA": "70802", "ME": "04330", "MD": "21401", "MA": "02133", "MI": "48933", "MN": "55155",
    "MS": "39201", "MO": "65101", "MT": "59601", "NE": "68502", "NV": "89701", "NH": "03301",
    "NJ": "08608", "NM": "87501", "NY": "12207", "NC": "27601", "ND": "58501", "OH": "43215",
    "OK": "73105", "OR": "97301", "PA": "17101", "RI": "02903", "SC": "29217", "SD": "57501",
    "TN": "37219", "TX": "78701", "UT": "84111", "VT": "05602", "VA": "23219", "WA": "98507",
    "WV": "25301", "WI": "53703", "WY": "82001", "PR": "00901",
}  # fmt: skip


@pytest.mark.parametrize(("state", "code"), CAPITALS.items())
def test_every_capital_lies_in_its_state(state: str, code: str) -> None:
    assert states_of_zip(code) == (state,)
    assert states_of_zip(f"{code}-1234") == (state,)


def test_every_state_that_can_be_chosen_has_a_capital_here() -> None:
    others = {"AS", "GU", "MP", "VI", "AA", "AE", "AP"}
    assert {code for code, _ in STATE_CHOICES} - others <= set(CAPITALS)


@pytest.mark.parametrize(
    ("code", "states"),
    [
        ("06390", ("NY",)),
        ("06320", ("CT",)),
        ("83414", ("WY",)),
        ("83415", ("ID",)),
        ("88510", ("TX",)),
        ("88401", ("NM",)),
        ("20166", ("VA",)),
        ("05501", ("MA",)),
        ("05401", ("VT",)),
        ("00501", ("NY",)),
        ("34002", ("AA",)),
        ("34102", ("FL",)),
        ("09012", ("AE",)),
        ("96201", ("AP",)),
        ("96910", ("GU",)),
        ("96950", ("MP",)),
        ("96799", ("AS",)),
        ("00801", ("VI",)),
        ("73301", ("TX",)),
        ("39815", ("GA",)),
        ("42223", ("KY", "TN")),
        ("02861", ("RI", "MA")),
        ("00001", ()),
        ("21301", ()),
        ("99", ()),
        ("", ()),
    ],
)
def test_what_a_border_does_not_tell(code: str, states: tuple[str, ...]) -> None:
    assert states_of_zip(code) == states


def test_no_prefix_lies_in_two_states() -> None:
    spans = [part.split("-") for ranges in PREFIXES.values() for part in ranges.split()]
    assert sum(int(span[-1]) - int(span[0]) + 1 for span in spans) == len(STATE_OF_PREFIX)


@pytest.mark.parametrize(
    ("code", "name"), [("CA", "California"), ("PR", "Puerto Rico"), ("ZZ", "ZZ")]
)
def test_states_are_named_as_in_a_sentence(code: str, name: str) -> None:
    assert state_name(code) == name
