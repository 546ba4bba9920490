"""Which packages an address asks to see side by side. Places and words only, nothing personal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from quotes.services.choice import read_places

FEWEST, MOST = 2, 4
INCUMBENT = "incumbent"


@dataclass(frozen=True)
class Picks:
    """Places of packages in the order they were picked, from 0, with or without the incumbent.

    `reference` is the code of the column all others are compared with; `only` leaves out rows in
    which all agree.
    """

    places: tuple[int, ...] = ()
    incumbent: bool = False
    reference: str = ""
    only: bool = False

    @property
    def codes(self) -> list[str]:
        """The columns: what is in force first, as the insured knows it."""
        packages = [str(place) for place in self.places]
        return [INCUMBENT, *packages] if self.incumbent else packages

    @property
    def enough(self) -> bool:
        return len(self.codes) >= FEWEST

    @property
    def toggled_query(self) -> str:
        return self.query(only=not self.only)

    @property
    def incumbent_query(self) -> str:
        """The same packages with what is in force, or without it."""
        reference = "" if self.reference == INCUMBENT else self.reference
        return replace(self, reference=reference).query(incumbent=not self.incumbent)

    @property
    def back_query(self) -> str:
        """The ranked list's query, these packages ticked."""
        return "?" + urlencode([("pick", place) for place in self.places]) if self.places else ""

    def without(self, code: str) -> str:
        """The query without one column; "" where too few would be left."""
        rest = tuple(place for place in self.places if str(place) != code)
        kept = replace(self, places=rest, incumbent=self.incumbent and code != INCUMBENT)
        if not kept.enough or not kept.places:
            return ""
        return (replace(kept, reference="") if code == self.reference else kept).query()

    def query(self, **changes: Any) -> str:
        """The address's query for these picks with `changes`, "?" included."""
        other = replace(self, **changes)
        pairs = [("pick", str(place)) for place in other.places]
        pairs += [("incumbent", "1")] if other.incumbent else []
        standing = other.codes[:1] if other.codes else [""]
        pairs += [("reference", other.reference)] if other.reference not in ["", *standing] else []
        pairs += [("only", "differences")] if other.only else []
        return f"?{urlencode(pairs)}" if pairs else ""


def read_picks(
    query: Mapping[str, Sequence[str]], count: int, *, in_force: bool
) -> tuple[Picks, list[str]]:
    """The picks an address states among `count` packages, and in words what was left out.

    `in_force` says whether anything is stated of the incumbent.
    """
    places, wrong = read_places(query.get("pick", ()), count)
    said = []
    if wrong:
        said.append(f"{'A package' if wrong == 1 else f'{wrong} packages'} this run does not have.")
    if len(places) > MOST:
        said.append(
            f"{len(places)} packages were picked; {MOST} fit beside one another. The first "
            f"{MOST} are shown."
        )
    wanted = (query.get("incumbent") or [""])[-1] == "1"
    if wanted and not in_force:
        said.append("What is in force is not stated for the lines of this run.")
    picks = Picks(
        places=places[:MOST],
        incumbent=wanted and in_force,
        only=(query.get("only") or [""])[-1] == "differences",
    )
    asked = (query.get("reference") or [""])[-1]
    if asked and asked not in picks.codes:
        said.append("The column to compare with is none of these.")
    codes = picks.codes
    reference = asked if asked in codes else codes[0] if codes else ""
    return replace(picks, reference=reference), said
