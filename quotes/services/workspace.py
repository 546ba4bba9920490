"""Which of a run's packages are shown, in which order, and the ways from there.

Pure. Nothing Nexio ranked is ever dropped without a word: the page counts what a filter hides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from quotes.services.choice import KINDS, SORTS, Choice, read_choice
from quotes.services.ranked import Named, Placed, Ranking

PAGE_ROWS = 20


@dataclass(frozen=True)
class Chip:
    """A short way to a narrower or wider list. `count` is how many it would show, None where it
    takes a filter away."""

    code: str
    words: str
    query: str
    count: int | None = None
    amount: Decimal | None = None
    current: bool = False


@dataclass(frozen=True)
class Heading:
    """A column that can be sorted by: where that leads, and how the list stands now."""

    query: str
    direction: str
    current: bool


@dataclass(frozen=True)
class Workspace:
    """A page of the chosen packages, and the ways from it.

    `matching` are all the filters leave, of `total`. `maybe` counts packages beyond the budget
    whose cost begins within it, `costless` those left out because they state no highest cost.
    """

    choice: Choice
    ignored: Sequence[str]
    shown: Sequence[Placed]
    matching: int
    total: int
    page: int
    pages: int
    chips: Sequence[Chip]
    taken: Sequence[Chip]
    headings: Mapping[str, Heading]
    maybe: int
    costless: int

    @property
    def first_shown(self) -> int:
        return (self.page - 1) * PAGE_ROWS + 1 if self.page else 1

    @property
    def last_shown(self) -> int:
        return self.first_shown + len(self.shown) - 1

    @property
    def picked_elsewhere(self) -> list[int]:
        """The places ticked for a comparison that this page of the list does not show."""
        shown = {each.place for each in self.shown}
        return [place for place in self.choice.picks if place not in shown]

    @property
    def sorted_by(self) -> str:
        return SORTS.get(self.choice.sort, "")

    @property
    def unsorted_query(self) -> str:
        return self.choice.query(sort="")

    @property
    def unfiltered_query(self) -> str:
        return Choice(sort=self.choice.sort, picks=self.choice.picks).query()

    @property
    def page_queries(self) -> list[tuple[int, str]]:
        return [(n, self.choice.query(page=n)) for n in range(1, self.pages + 1)]

    @property
    def all_query(self) -> str:
        return self.choice.query(page=0)

    @property
    def paged_query(self) -> str:
        return self.choice.query(page=1)


def arrange(ranking: Ranking, query: Mapping[str, Sequence[str]]) -> Workspace:
    """The packages that an address's query asks for."""
    choice, ignored = read_choice(query, ranking)
    found = [each for each in ranking.packages if fits(each, choice)]
    pages = max(-(-len(found) // PAGE_ROWS), 1)
    page = min(choice.page, pages)
    ordered = in_order(found, choice.sort)
    start = (page - 1) * PAGE_ROWS
    over = [] if choice.budget is None else _over_budget(ranking, choice)
    return Workspace(
        choice=choice,
        ignored=ignored,
        shown=ordered if page == 0 else ordered[start : start + PAGE_ROWS],
        matching=len(found),
        total=len(ranking.packages),
        page=page,
        pages=pages,
        chips=_chips(ranking, choice),
        taken=_taken(ranking, choice),
        headings={name: _heading(choice, name) for name in KEYS},
        maybe=sum(_begins_within(each, choice) for each in over),
        costless=sum(_most(each) is None and not _begins_within(each, choice) for each in over),
    )


def fits(package: Placed, choice: Choice) -> bool:
    """Whether a package passes every filter. A budget is held against its highest cost."""
    if choice.kind and (len(package.carriers) == 1) != (choice.kind == "single"):
        return False
    if choice.kind and not package.carriers:
        return False
    if choice.carrier and choice.carrier not in package.carriers:
        return False
    if package.carriers.intersection(choice.without):
        return False
    if choice.label and choice.label != package.label:
        return False
    most = _most(package)
    return choice.budget is None or (most is not None and most <= choice.budget)


def in_order(packages: Sequence[Placed], sort: str) -> list[Placed]:
    """Sorted by one of `SORTS`, ties in Nexio's order; what does not state it comes last."""
    key = KEYS.get(sort.removeprefix("-"))
    if key is None:
        return list(packages)
    stated = [each for each in packages if key(each) is not None]
    rest = [each for each in packages if key(each) is None]
    return [*sorted(stated, key=key, reverse=sort.startswith("-")), *rest]


def _least(package: Placed) -> Decimal | None:
    low, high = package.solution.est_cost_low, package.solution.est_cost_high
    return high if low is None else low


def _most(package: Placed) -> Decimal | None:
    """The highest a package may cost; None where only "from" is stated, or nothing."""
    low, high = package.solution.est_cost_low, package.solution.est_cost_high
    return high if high is None or low is None else max(low, high)


def _begins_within(package: Placed, choice: Choice) -> bool:
    low = package.solution.est_cost_low
    return low is not None and choice.budget is not None and low <= choice.budget


def _over_budget(ranking: Ranking, choice: Choice) -> list[Placed]:
    """What the budget alone leaves out of the other filters' packages."""
    free = replace(choice, budget=None)
    return [p for p in ranking.packages if fits(p, free) and not fits(p, choice)]


def _label(package: Placed) -> str | None:
    return package.solution.shown_label.casefold() or None


KEYS: dict[str, Callable[[Placed], Any]] = {
    "label": _label,
    "carriers": lambda package: len(package.carriers) or None,
    "level": lambda package: package.solution.overall_level,
    "cost": _least,
    "difference": lambda package: (
        package.difference.high if package.difference.low is None else package.difference.low
    ),
}


def _heading(choice: Choice, name: str) -> Heading:
    """Pressed once it sorts upwards, twice downwards where there is a way down, then not at all."""
    current = choice.sort.removeprefix("-") == name
    down = f"-{name}"
    way_back = "" if choice.descending or down not in SORTS else down
    following = way_back if current else name
    direction = ("descending" if choice.descending else "ascending") if current else ""
    return Heading(choice.query(sort=following), direction, current)


def _chips(ranking: Ranking, choice: Choice) -> list[Chip]:
    """All, single, mixed, within today's cost; each with what it would show beside the others."""

    def counted(**changes: Any) -> int:
        other = replace(choice, **changes)
        return sum(fits(each, other) for each in ranking.packages)

    everything = Choice(sort=choice.sort, picks=choice.picks).query()
    chips = [Chip("all", "All", everything, len(ranking.packages), None, not choice.narrowed)]
    for kind, words in zip(KINDS, ("Single carrier", "Mixed"), strict=True):
        chosen = choice.kind == kind
        way = choice.query(kind="" if chosen else kind)
        chips.append(Chip(kind, words, way, counted(kind=kind), None, chosen))
    today = ranking.incumbent.total
    if today:
        chosen = choice.budget == today
        way = choice.query(budget=None if chosen else today)
        chips.append(Chip("today", "At most", way, counted(budget=today), today, chosen))
    return chips


def _taken(ranking: Ranking, choice: Choice) -> list[Chip]:
    """The filters in force that no other chip shows, each with the way to take it away."""
    carriers = {each.code: each.words for each in ranking.carriers}
    labels = {each.code: each.words for each in ranking.labels}
    chips = []
    if choice.carrier:
        chips.append(Chip("with", f"With {carriers[choice.carrier]}", choice.query(carrier="")))
    for code in choice.without:
        rest = tuple(each for each in choice.without if each != code)
        words = f"Without {carriers[code]}"
        chips.append(Chip(f"without-{code}", words, choice.query(without=rest)))
    if choice.label:
        chips.append(Chip("label", labels[choice.label].capitalize(), choice.query(label="")))
    if choice.budget is not None and choice.budget != ranking.incumbent.total:
        way = choice.query(budget=None)
        chips.append(Chip("budget", "At most", way, None, choice.budget))
    return chips


def options(known: Sequence[Named], chosen: Sequence[str]) -> list[tuple[Named, bool]]:
    """The choices of a field, each with whether it is taken."""
    return [(each, each.code in chosen) for each in known]
