"""A completed run's packages in Nexio's rank order, with what its page says above the list.

Pure: reads a run and its solutions, asks the database nothing. Solutions come with
`lines__carrier` prefetched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quotes.models import Run, Solution
from quotes.services import comparison
from quotes.services.comparison import Difference, Expiry, Incumbent

CODES = ("recommended", "best_value", "best_coverage", "simplest")


@dataclass(frozen=True)
class Placed:
    """A package with its place in Nexio's order, from 0, and what filters look at.

    `offerings` stand beside `solution.lines`: what was sent for each, None where nothing was.
    `carriers` and `label` are codes, fit for an address.
    """

    solution: Solution
    place: int
    offerings: Sequence[Mapping[str, Any] | None]
    difference: Difference
    carriers: frozenset[str]
    label: str

    @property
    def mixed(self) -> bool:
        """Whether its lines are of several carriers."""
        return len(self.carriers) > 1

    @property
    def label_code(self) -> str:
        """By which of the known labels its mark is coloured."""
        return self.label if self.label in CODES else "alternative"


@dataclass(frozen=True)
class Named:
    """A carrier or a label of the run's packages: its code, its words, in how many it stands."""

    code: str
    words: str
    count: int


@dataclass(frozen=True)
class Ranking:
    """All packages of a completed run, and what they have in common. `sent` is what they were
    made of."""

    sent: comparison.Sent
    packages: Sequence[Placed]
    lines: Sequence[str]
    incumbent: Incumbent
    first_expiry: Expiry | None
    carriers: Sequence[Named]
    labels: Sequence[Named]

    @property
    def first(self) -> Solution | None:
        return self.packages[0].solution if self.packages else None

    @property
    def single(self) -> int:
        return sum(len(package.carriers) == 1 for package in self.packages)

    @property
    def mixed(self) -> int:
        return sum(len(package.carriers) > 1 for package in self.packages)

    @property
    def has_range(self) -> bool:
        return any(package.solution.is_range for package in self.packages)


def rank_packages(run: Run, solutions: Sequence[Solution]) -> Ranking:
    """The ranking of a completed run; empty packages where Nexio returned none."""
    lines = comparison.requested_lines(run.request) or list(run.coverage_types)
    incumbent = comparison.incumbent_of(run.request, lines)
    sent = comparison.Sent.of(run.request, run.offering_lines)
    carriers, labels = _Codes("n"), _Codes("l")
    packages = [
        Placed(
            solution=solution,
            place=place,
            offerings=[sent.offering_of(line) for line in solution.returned],
            difference=comparison.price_difference(solution, incumbent, lines),
            carriers=_carriers(solution, carriers),
            label=_label(solution, labels),
        )
        for place, solution in enumerate(solutions)
    ]
    used = [each for package in packages for each in package.offerings if each is not None]
    return Ranking(
        sent=sent,
        packages=packages,
        lines=lines,
        incumbent=incumbent,
        first_expiry=comparison.first_expiry({id(each): each for each in used}.values()),
        carriers=sorted(carriers.named(), key=lambda each: each.words.casefold()),
        labels=labels.named(),
    )


class _Codes:
    """Codes for what Nexio may write in any words: numbered as met, in Nexio's own order.

    A reply never changes, so neither does a code: an address kept by somebody stays good.
    """

    def __init__(self, letter: str) -> None:
        self.letter = letter
        self.numbered = 0
        self.known: dict[str, tuple[str, str]] = {}
        self.counts: dict[str, int] = {}

    def code(self, key: str, words: str, own: str = "") -> str:
        """The code of `key`; `own` where it has one that needs no number."""
        if key not in self.known:
            if not own:
                self.numbered += 1
            self.known[key] = own or f"{self.letter}{self.numbered}", words
        return self.known[key][0]

    def count(self, codes: frozenset[str]) -> None:
        for code in codes:
            self.counts[code] = self.counts.get(code, 0) + 1

    def named(self) -> list[Named]:
        return [Named(code, words, self.counts[code]) for code, words in self.known.values()]


def _carriers(solution: Solution, codes: _Codes) -> frozenset[str]:
    found = []
    for line in solution.returned:
        own, name = str(line.carrier_id or ""), line.shown_carrier
        found.append(codes.code(f"id {own}" if own else f"name {name}", name, own))
    taken = frozenset(found)
    codes.count(taken)
    return taken


def _label(solution: Solution, codes: _Codes) -> str:
    label = solution.cluster_label
    own = label if label in CODES else "" if label else "none"
    code = codes.code(label, solution.shown_label or "no label", own)
    codes.count(frozenset({code}))
    return code
