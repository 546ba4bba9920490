"""What changed on an insured since one of its runs was sent. Pure: nothing is read or written.

The run's frozen request is laid beside the request that the same choice would send now, so that
whatever would reach Nexio otherwise is told, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quotes.models import LINES, Insured, Quote, Run
from quotes.models.carrier import carrier_key
from quotes.services import documents as doc
from quotes.services.comparison import in_words, line_word
from quotes.services.grouping import line_words
from quotes.services.profile import label, words
from quotes.services.submission import build_request

OF_PACKAGE = {
    "package_premium_annual": "package premium",
    "package_id": "package id",
    "term_months": "term",
    "quote_generated_at": "day quoted",
    "quote_expires_at": "last day",
    "broker": "broker",
}
"""Keys of an offering's `attributes` that say something of its whole package."""
OF_LINE = {"line_premium_annual": "premium", "quote_id": "quote id"}
SECTIONS = {
    "applicant": "Applicant",
    "address": "Address",
    "residence": "Residence",
    "insurance_history": "Insurance history",
}
NOT_PROFILE = frozenset(
    {
        "quotes", "coverage_types", "appetite_bucket", "drivers", "vehicles_detail",
        "current_coverage", "vehicles", "premium",
    }
)  # fmt: skip
"""Chosen anew at every start, told in their own words below, or counted from those."""
MOST_NAMED = 4
Wire = Mapping[str, Any]


@dataclass(frozen=True)
class _Offered:
    """One offering, and of which of our lines and quotes it is."""

    line: str
    carrier: str
    quote: str
    wire: Wire


def changes_since(run: Run, insured: Insured, quotes: Sequence[Quote]) -> list[str]:
    """What a run of the same lines would send otherwise now, a sentence each; none, nothing.

    `insured` comes with drivers, vehicles and incumbents, `quotes` with lines prefetched.
    """
    now = build_request(
        insured=insured,
        quotes=quotes,
        coverage_types=[line for line in run.coverage_types if line in LINES],
        appetite=run.appetite or None,
    )
    sent = run.request if isinstance(run.request, dict) else {}
    owners = {str(line.pk): str(q.pk) for q in quotes for line in q.lines.all()}
    then = _offered(sent.get("offerings"), run.offering_lines, owners)
    today = _offered(now.body["offerings"], now.offering_lines, owners)
    return [
        *_quotes(then, today, sent),
        *_profile(_part(sent, "input"), _part(now.body, "input")),
    ]


def _offered(offerings: Any, index: Any, owners: Mapping[str, str]) -> dict[str, _Offered]:
    """The offerings of a request by our quote line, which outlives any offering id."""
    found = {}
    for each in offerings if isinstance(offerings, list) else []:
        pk = str(index.get(str(each.get("id")), each.get("id")))
        carrier = str(each.get("provider_name") or "A carrier")
        attributes = _part(each, "attributes")
        package = f"{carrier_key(carrier)} {attributes.get('package_id') or ''}"
        found[pk] = _Offered(str(each.get("category")), carrier, owners.get(pk, package), each)
    return found


def _quotes(then: Mapping[str, _Offered], now: Mapping[str, _Offered], sent: Wire) -> list[str]:
    said = []
    gone = [each for pk, each in then.items() if pk not in now]
    said += [f"{_lines(part)} taken out" for part in _by_quote(gone)]
    new = [each for pk, each in now.items() if pk not in then and not _was_stated(each, sent)]
    said += [f"{_lines(part, premiums=True)} added" for part in _by_quote(new)]
    told: set[tuple[str, str]] = set()
    for pk, each in now.items():
        if pk in then:
            said += _package(then[pk], each, told)
            said += _line(then[pk], each)
    return said


def _by_quote(lines: Iterable[_Offered]) -> list[list[_Offered]]:
    found: dict[str, list[_Offered]] = {}
    for each in lines:
        found.setdefault(each.quote, []).append(each)
    return list(found.values())


def _lines(lines: Sequence[_Offered], *, premiums: bool = False) -> str:
    """ "Harbor Mutual home $5,890 and auto $4,310" """
    named = []
    for each in lines:
        premium = _part(each.wire, "attributes").get("line_premium_annual")
        shown = f" {words('premium', premium)}" if premiums and premium is not None else ""
        named.append(f"{line_word(each.line)}{shown}")
    return f"{lines[0].carrier} {in_words(named)}"


def _was_stated(new: _Offered, sent: Wire) -> bool:
    """Whether the run's request quoted this line alike, and only left it out of the offerings."""
    said = doc.read_fields(line_words(dict(new.wire)), doc.QUOTE_LINE)
    for quote in _part(sent, "input").get("quotes") or []:
        line = quote.get(new.line) if isinstance(quote, dict) else None
        if not isinstance(line, dict) or carrier_key(str(quote.get("carrier"))) != carrier_key(
            new.carrier
        ):
            continue
        stated = doc.read_fields(line, doc.QUOTE_LINE)
        if stated["premium_annual"] == said["premium_annual"]:
            return True
    return False


def _package(then: _Offered, now: _Offered, told: set[tuple[str, str]]) -> list[str]:
    """What changed of the package a line is of, told at its first line only."""
    said = []
    was, has = _part(then.wire, "attributes"), _part(now.wire, "attributes")
    for key, name in OF_PACKAGE.items():
        if was.get(key) != has.get(key) and (now.quote, key) not in told:
            told.add((now.quote, key))
            said.append(f"{now.carrier} {name} {_from_to(key, was.get(key), has.get(key))}")
    if then.carrier != now.carrier and (now.quote, "carrier") not in told:
        told.add((now.quote, "carrier"))
        said.append(f"{then.carrier} is {now.carrier} now")
    return said


def _line(then: _Offered, now: _Offered) -> list[str]:
    name = f"{now.carrier} {line_word(now.line)}"
    was, has = _part(then.wire, "attributes"), _part(now.wire, "attributes")
    said = [
        f"{name} {shown} {_from_to(key, was.get(key), has.get(key))}"
        for key, shown in OF_LINE.items()
        if was.get(key) != has.get(key)
    ]
    placed = {*OF_PACKAGE, *OF_LINE}
    others = _changed(_without(was, placed), _without(has, placed))
    others += _changed(_part(then.wire, "coverage"), _part(now.wire, "coverage"))
    top = {"id", "provider_name", "category", "coverage", "attributes"}
    others += _changed(_without(then.wire, top), _without(now.wire, top))
    return [*said, f"{name}: {_named(others)} changed"] if others else said


def _profile(then: Wire, now: Wire) -> list[str]:
    said = []
    for key, name in SECTIONS.items():
        was, has = _part(then, key), _part(now, key)
        said += [
            f"{name}, {label(each).lower()} {_from_to(each, was.get(each), has.get(each))}"
            for each in _changed(was, has)
        ]
    said += _people("Driver", then.get("drivers"), now.get("drivers"))
    said += _people("Vehicle", then.get("vehicles_detail"), now.get("vehicles_detail"))
    said += _in_force(_part(then, "current_coverage"), _part(now, "current_coverage"))
    placed = NOT_PROFILE | SECTIONS.keys()
    rest_was, rest = _without(then, placed), _without(now, placed)
    said += [
        f"{label(k)} {_from_to(k, rest_was.get(k), rest.get(k))}" for k in _changed(rest_was, rest)
    ]
    return said


def _people(noun: str, then: Any, now: Any) -> list[str]:
    """Drivers or vehicles taken out, added and changed, told by their places in the lists."""
    was, has = _list(then), _list(now)
    gone = [each for each in was if each not in has]
    new = [each for each in has if each not in was]
    said = []
    for each in list(new):
        same = next((g for g in gone if _who(g) and _who(g) == _who(each)), None)
        if same is not None:
            gone.remove(same)
            new.remove(each)
            said.append(f"{noun} {_who(each)}: {_named(_changed(same, each))} changed")
    said += [f"{noun} {_who(each) or 'without a name'} taken out" for each in gone]
    return said + [f"{noun} {_who(each) or 'without a name'} added" for each in new]


def _who(thing: Any) -> str:
    if not isinstance(thing, dict):
        return ""
    car = " ".join(str(thing[key]) for key in ("year", "make", "model") if thing.get(key))
    return doc.read_name(thing) or car


def _in_force(then: Wire, now: Wire) -> list[str]:
    said = []
    for line in LINES:
        was, has = then.get(line), now.get(line)
        if was == has:
            continue
        name = f"{label(line)} in force"
        if not isinstance(was, dict) or not isinstance(has, dict):
            said.append(f"{name} {'added' if isinstance(has, dict) else 'taken out'}")
            continue
        said += [
            f"{name}, {label(k).lower()} {_from_to(k, was.get(k), has.get(k))}"
            for k in _changed(was, has)
        ]
    return said


def _from_to(key: str, was: Any, now: Any) -> str:
    if isinstance(was, (dict, list)) or isinstance(now, (dict, list)):
        return "changed"
    kind = "premium" if key.endswith("premium_annual") else key
    return f"{words(kind, was)} → {words(kind, now)}"


def _named(keys: Sequence[str]) -> str:
    names = [label(key).lower() for key in dict.fromkeys(keys)]
    rest = len(names) - MOST_NAMED
    return in_words(names if rest <= 0 else [*names[:MOST_NAMED], f"{rest} more"])


def _changed(was: Wire, now: Wire) -> list[str]:
    return [key for key in dict.fromkeys([*was, *now]) if was.get(key) != now.get(key)]


def _without(value: Wire, keys: Iterable[str]) -> dict[str, Any]:
    left_out = set(keys)
    return {key: item for key, item in value.items() if key not in left_out}


def _part(value: Wire, key: str) -> Wire:
    part = value.get(key)
    return part if isinstance(part, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
