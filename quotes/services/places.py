"""Which state a ZIP code lies in, by its first three digits. Pure.

Prefixes are those of the Postal Service's labeling list L002 (3-digit ZIP Code Prefix Matrix). A
prefix belongs to a mail centre, not to a state's border, so a few codes cross one: `SPLIT` names
those of the Census Bureau's 2010 ZCTA-to-place relationship file, and `ODD` the codes that lie in
another state than their prefix. More are known locally; so a misfit is only ever worth a look.
"""

from __future__ import annotations

from localflavor.us.us_states import STATE_CHOICES

PREFIXES: dict[str, str] = {
    "AL": "350-352 354-369",
    "AK": "995-999",
    "AZ": "850-853 855-857 859-860 863-865",
    "AR": "716-729",
    "CA": "900-908 910-928 930-961",
    "CO": "800-816",
    "CT": "060-069",
    "DE": "197-199",
    "DC": "200 202-205 569",
    "FL": "320-339 341-342 344 346-347 349",
    "GA": "300-319 398-399",
    "HI": "967-968",
    "ID": "832-838",
    "IL": "600-620 622-629",
    "IN": "460-479",
    "IA": "500-516 520-528",
    "KS": "660-662 664-679",
    "KY": "400-427",
    "LA": "700-701 703-708 710-714",
    "ME": "039-049",
    "MD": "206-212 214-219",
    "MA": "010-027 055",
    "MI": "480-499",
    "MN": "550-551 553-567",
    "MS": "386-397",
    "MO": "630-631 633-641 644-658",
    "MT": "590-599",
    "NE": "680-681 683-693",
    "NV": "889-891 893-895 897-898",
    "NH": "030-038",
    "NJ": "070-089",
    "NM": "870-871 873-875 877-884",
    "NY": "005 100-149",
    "NC": "270-289",
    "ND": "580-588",
    "OH": "430-459",
    "OK": "730-731 734-741 743-749",
    "OR": "970-979",
    "PA": "150-196",
    "RI": "028-029",
    "SC": "290-299",
    "SD": "570-577",
    "TN": "370-385",
    "TX": "733 750-770 772-799 885",
    "UT": "840-847",
    "VT": "050-054 056-059",
    "VA": "201 220-246",
    "WA": "980-986 988-994",
    "WV": "247-268",
    "WI": "530-532 534-535 537-549",
    "WY": "820-831",
    "PR": "006-007 009",
    "VI": "008",
    "GU": "969",
    "AA": "340",
    "AE": "090-098",
    "AP": "962-966",
}
"""Two letters → ranges of prefixes. 005 and 055 are tax offices, 733 and 885 serve Texas out of
Austin and El Paso, 201 is Dulles, 569 the federal government; AA, AE and AP are military."""

ODD: dict[str, str] = {
    "06390": "NY",
    "83414": "WY",
    "96799": "AS",
    "96939": "PW", "96940": "PW",
    "96941": "FM", "96942": "FM", "96943": "FM", "96944": "FM",
    "96950": "MP", "96951": "MP", "96952": "MP",
    "96960": "MH", "96970": "MH",
}  # fmt: skip
"""Codes that lie in another state than their prefix: Fishers Island, Alta, the Pacific islands."""

SPLIT: dict[str, tuple[str, ...]] = {
    "02861": ("RI", "MA"),
    "42223": ("KY", "TN"),
    "59221": ("MT", "ND"),
    "63673": ("MO", "IL"),
    "71749": ("AR", "LA"),
    "73949": ("OK", "TX"),
    "81137": ("CO", "NM"),
    "84536": ("UT", "AZ"),
    "86044": ("AZ", "UT"),
    "86515": ("AZ", "NM"),
    "88063": ("NM", "TX"),
    "89439": ("NV", "CA"),
    "97635": ("OR", "CA"),
}
"""Codes whose delivery area lies in two states."""

NAMES: dict[str, str] = {
    "PR": "Puerto Rico",
    "VI": "the U.S. Virgin Islands",
    "GU": "Guam",
    "AS": "American Samoa",
    "MP": "the Northern Mariana Islands",
    "PW": "Palau",
    "FM": "Micronesia",
    "MH": "the Marshall Islands",
    "DC": "the District of Columbia",
    "AA": "the military in the Americas",
    "AE": "the military in Europe",
    "AP": "the military in the Pacific",
}


def _by_prefix() -> dict[str, str]:
    found = {}
    for state, ranges in PREFIXES.items():
        for part in ranges.split():
            first, _, last = part.partition("-")
            for number in range(int(first), int(last or first) + 1):
                found[f"{number:03}"] = state
    return found


STATE_OF_PREFIX = _by_prefix()


def states_of_zip(zip_code: str) -> tuple[str, ...]:
    """The states a five- or nine-digit ZIP code may lie in, likeliest first; () where no code
    begins so."""
    code = zip_code.strip()[:5]
    if code in SPLIT:
        return SPLIT[code]
    if code in ODD:
        return (ODD[code],)
    state = STATE_OF_PREFIX.get(code[:3])
    return (state,) if state else ()


def state_name(code: str) -> str:
    """ "CA" → "California", as it stands in a sentence; letters that are no state stay as they
    are."""
    return NAMES.get(code) or str(dict(STATE_CHOICES).get(code, code))
