"""What a run's packages mean beside the policies in force, from what was sent and returned.

Pure: everything is read from the frozen request and the stored solutions, so that a page shows
the same tomorrow, whatever is edited meanwhile. Prices are compared, coverage is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from quotes.models import LINES, Solution, SolutionLine
from quotes.models.carrier import carrier_key
from quotes.models.lines import LINE_NAMES
from quotes.services import documents as doc

LINE_WORDS = {line: name.lower() for line, name in LINE_NAMES.items()}
Words = tuple[str, str, Decimal]
"""What an offering is known by where its id did not come back: carrier, line and premium."""


@dataclass(frozen=True)
class Incumbent:
    """The policies in force for the requested lines, as `input.current_coverage` stated them.

    `total` is dollars a year, None while any requested line has no stated premium; `missing`
    names those lines.
    """

    total: Decimal | None
    missing: tuple[str, ...]
    carriers: tuple[str, ...]

    @property
    def missing_words(self) -> str:
        return in_words([line_word(line) for line in self.missing])


@dataclass(frozen=True)
class Difference:
    """Dollars a year a package costs more (+) or less (−) than the incumbent.

    Either end is None where the package's cost does not state it; `why` says in words why
    there is no difference at all.
    """

    low: Decimal | None = None
    high: Decimal | None = None
    why: str = ""

    @property
    def is_range(self) -> bool:
        return self.low is not None and self.high is not None and self.low != self.high

    @property
    def stated(self) -> bool:
        return self.low is not None or self.high is not None


@dataclass(frozen=True)
class LineOffered:
    """How many offerings a requested line had in the request, and from whom."""

    line: str
    count: int
    carriers: tuple[str, ...]


def requested_lines(request: Mapping[str, Any]) -> list[str]:
    """The lines asked for, in the request's order; unknown words are left out."""
    stated = _part(request, "input").get("coverage_types")
    if not isinstance(stated, list):
        return []
    return list(dict.fromkeys(line for line in stated if line in LINES))


def incumbent_of(request: Mapping[str, Any], lines: Sequence[str]) -> Incumbent:
    """The incumbent for `lines`. Other lines in force play no part: apples to apples."""
    current = _part(_part(request, "input"), "current_coverage")
    total, missing, carriers = Decimal(0), [], []
    for line in lines:
        policy = doc.read_fields(_part(current, line), doc.INCUMBENT)
        if policy["annual_premium"] is None:
            missing.append(line)
        else:
            total += policy["annual_premium"]
        if policy["carrier_name"]:
            carriers.append(str(policy["carrier_name"]))
    known = bool(lines) and not missing
    return Incumbent(total if known else None, tuple(missing), tuple(dict.fromkeys(carriers)))


def price_difference(solution: Solution, incumbent: Incumbent, lines: Sequence[str]) -> Difference:
    """What the package costs beside the incumbent; both must cover exactly `lines`.

    `solution` comes with its lines prefetched. For a range both ends are told.
    """
    if incumbent.total is None:
        return Difference(why=f"incumbent {incumbent.missing_words} not stated")
    if sorted(line.category for line in solution.returned) != sorted(lines):
        return Difference(why="the package does not cover the requested lines")
    low, high = solution.est_cost_low, solution.est_cost_high
    if low is None and high is None:
        return Difference(why="cost not given")
    return Difference(
        None if low is None else low - incumbent.total,
        None if high is None else high - incumbent.total,
    )


def offerings_sent(request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The offerings of a request, whatever else stands in their place left out."""
    offerings = request.get("offerings")
    if not isinstance(offerings, list):
        return []
    return [offering for offering in offerings if isinstance(offering, dict)]


def lines_offered(request: Mapping[str, Any], lines: Sequence[str]) -> list[LineOffered]:
    """Our own check of a run without packages: what was sent for each requested line."""
    found = []
    for line in lines:
        of_line = [each for each in offerings_sent(request) if each.get("category") == line]
        names = dict.fromkeys(str(each.get("provider_name") or "—") for each in of_line)
        found.append(LineOffered(line, len(of_line), tuple(names)))
    return found


def carriers_sent(request: Mapping[str, Any]) -> list[str]:
    """The carriers of the offerings, each once, as the request spells them."""
    names = (each.get("provider_name") for each in offerings_sent(request))
    return list(dict.fromkeys(str(name) for name in names if name))


@dataclass(frozen=True)
class Sent:
    """The offerings of a request, to find the one a returned line came from.

    By the offering's id; else by the quote line the returned line was matched to; else by
    carrier, line and premium where one offering alone has these. All of it from the frozen
    request: a quote that was deleted since was sent all the same.
    """

    by_id: Mapping[str, Mapping[str, Any]]
    id_of_quote_line: Mapping[str, str]
    id_of_words: Mapping[Words, str]

    @classmethod
    def of(cls, request: Mapping[str, Any], offering_lines: Mapping[str, str]) -> Sent:
        """`offering_lines` is the run's map of offering id → our quote line's id."""
        by_id = {str(each.get("id")): each for each in offerings_sent(request)}
        said = {sent_id: words_of(each) for sent_id, each in by_id.items()}
        counted = Counter(said.values())
        return cls(
            by_id=by_id,
            id_of_quote_line={line: sent_id for sent_id, line in offering_lines.items()},
            id_of_words={
                words: sent_id
                for sent_id, words in said.items()
                if words is not None and counted[words] == 1
            },
        )

    def offering_of(self, line: SolutionLine) -> Mapping[str, Any] | None:
        """The offering sent for this line; None where it was not matched."""
        if line.offering_id in self.by_id:
            return self.by_id[line.offering_id]
        sent_id = self.id_of_quote_line.get(str(line.quote_line_id), "")
        if sent_id in self.by_id:
            return self.by_id[sent_id]
        if line.line_premium_annual is None:
            return None
        words = carrier_key(line.provider_name), line.category, line.line_premium_annual
        return self.by_id.get(self.id_of_words.get(words, ""))


def words_of(offering: Mapping[str, Any]) -> Words | None:
    """An offering's carrier, line and premium; None where it states no premium."""
    premium = line_premium(offering)
    if premium is None:
        return None
    carrier = carrier_key(str(offering.get("provider_name") or ""))
    return carrier, str(offering.get("category") or ""), premium


def attributes_of(offering: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an offering states beside its coverage: ids, premiums and dates."""
    return _part(offering, "attributes")


def line_premium(offering: Mapping[str, Any]) -> Decimal | None:
    """Dollars a year of an offering's line; None where it is not stated."""
    return doc.money(attributes_of(offering).get("line_premium_annual"))


@dataclass(frozen=True)
class Expiry:
    """The moment from which a price is gone, and whose it is: "Harbor Mutual home and auto"."""

    at: datetime
    whose: str


def expiry_of(offering: Mapping[str, Any]) -> datetime | None:
    """The moment from which an offering's price is gone; None where it is not stated.

    Read from `attributes.quote_expires_at`; a bare date counts to its end in office time.
    """
    return doc.day_end(attributes_of(offering).get("quote_expires_at"))


def first_expiry(offerings: Iterable[Mapping[str, Any]]) -> Expiry | None:
    """The first of these offerings' prices to be gone; None where none states an end.

    Where several end at once, the first carrier's lines are named and the others counted.
    """
    ends = [(end, each) for each in offerings if (end := expiry_of(each)) is not None]
    if not ends:
        return None
    first = min(end for end, _ in ends)
    ending = [each for end, each in ends if end == first]
    carrier = str(ending[0].get("provider_name") or "—")
    own = [each for each in ending if str(each.get("provider_name") or "—") == carrier]
    named = {str(each.get("category") or "") for each in own}
    lines = [
        line_word(line) for line in [*LINES, *sorted(named.difference(LINES))] if line in named
    ]
    others = len(ending) - len(own)
    more = f" + {others} more" if others else ""
    return Expiry(first, f"{carrier} {in_words(lines)}".strip() + more)


def line_word(line: str) -> str:
    """A line of business inside a sentence: "home"; an unknown one as it came."""
    return LINE_WORDS.get(line, line)


@lru_cache(maxsize=200)
def lines_in_words(lines: tuple[str, ...]) -> str:
    """ "home and auto". Kept: a page of packages says the same few of each of them."""
    return in_words([line_word(line) for line in lines])


def in_words(words: Sequence[str]) -> str:
    """ "home", "home and auto", "home, auto and umbrella"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _part(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = value.get(key)
    return part if isinstance(part, dict) else {}
