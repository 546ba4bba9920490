"""What an address asks of a run's packages: filters, an order, a page.

Pure. Codes and numbers only stand in an address; what makes no sense there is left out and said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from quotes.services.ranked import Ranking

BUDGET = re.compile(r"\$?\s*([0-9]{1,9}|[0-9]{1,3}(?:,[0-9]{3}){1,2})(\.[0-9]{1,2})?")
PLACE = re.compile(r"[0-9]{1,4}", re.ASCII)
KINDS = ("single", "mixed")
SORTS: dict[str, str] = {
    "cost": "annual cost, lowest first",
    "-cost": "annual cost, highest first",
    "difference": "difference to the incumbent, lowest first",
    "-difference": "difference to the incumbent, highest first",
    "carriers": "number of carriers, fewest first",
    "-carriers": "number of carriers, most first",
    "label": "label, A to Z",
    "level": "level, smallest number first",
    "-level": "level, largest number first",
}
"""Orders other than Nexio's. The level's direction is documented nowhere, so both are offered."""


@dataclass(frozen=True)
class Choice:
    """What the address asks for; every part empty: all packages in Nexio's order, first page.

    `kind` is single or mixed; `carrier`, `without` and `label` are codes of the ranking;
    `budget` is dollars a year at most; `page` counts from 1, 0 means all on one page. `picks`
    are the places of packages ticked for a comparison; they narrow nothing.
    """

    kind: str = ""
    carrier: str = ""
    without: tuple[str, ...] = ()
    budget: Decimal | None = None
    label: str = ""
    sort: str = ""
    page: int = 1
    picks: tuple[int, ...] = ()

    @property
    def narrowed(self) -> bool:
        return bool(self.kind or self.carrier or self.without or self.label) or (
            self.budget is not None
        )

    @property
    def descending(self) -> bool:
        return self.sort.startswith("-")

    @property
    def budget_text(self) -> str:
        """The budget as digits; "" without one."""
        if self.budget is None:
            return ""
        whole = self.budget == self.budget.to_integral_value()
        return f"{self.budget:.0f}" if whole else f"{self.budget:.2f}"

    def query(self, **changes: Any) -> str:
        """The address's query for this choice with `changes`, "?" included; "" for none.

        A change of anything but the page leads back to the first page.
        """
        other = replace(self, **{"page": 1, **changes})
        pairs = [
            ("kind", other.kind),
            ("with", other.carrier),
            *(("without", code) for code in other.without),
            ("budget", other.budget_text),
            ("label", other.label),
            ("sort", other.sort),
            ("page", {0: "all", 1: ""}.get(other.page, str(other.page))),
            *(("pick", str(place)) for place in other.picks),
        ]
        written = urlencode([(name, value) for name, value in pairs if value])
        return f"?{written}" if written else ""


def read_choice(query: Mapping[str, Sequence[str]], ranking: Ranking) -> tuple[Choice, list[str]]:
    """The choice an address states, and in words what of it was left out as senseless."""
    carriers = {each.code for each in ranking.carriers}
    ignored: list[str] = []

    def one(name: str, known: Iterable[str], words: str) -> str:
        value = (query.get(name) or [""])[-1]
        if value in known:
            return value
        if value:
            ignored.append(words)
        return ""

    without = [code for code in dict.fromkeys(query.get("without", ())) if code]
    kept = tuple(code for code in without if code in carriers)
    if len(kept) < len(without):
        ignored.append("a carrier to leave out that is in none of these packages")
    carrier = one("with", carriers, "a carrier to include that is in none of these packages")
    if carrier in kept:
        ignored.append("leaving out the very carrier to include")
    choice = Choice(
        kind=one("kind", KINDS, "a kind of package there is not"),
        carrier=carrier,
        without=tuple(code for code in kept if code != carrier),
        budget=_budget((query.get("budget") or [""])[-1], ignored),
        label=one("label", {each.code for each in ranking.labels}, "a label no package has"),
        sort=one("sort", SORTS, "an order there is not"),
        page=_page((query.get("page") or [""])[-1], ignored),
        picks=_picks(query.get("pick", ()), len(ranking.packages), ignored),
    )
    return choice, ignored


def _picks(texts: Sequence[str], count: int, ignored: list[str]) -> tuple[int, ...]:
    places, wrong = read_places(texts, count)
    if wrong:
        ignored.append("a ticked package there is not")
    return places


def read_places(texts: Sequence[str], count: int) -> tuple[tuple[int, ...], int]:
    """The places, each once, that `texts` name among `count` packages, and how many name none."""
    found, wrong = [], 0
    for text in texts:
        if PLACE.fullmatch(text) and int(text) < count:
            found.append(int(text))
        elif text:
            wrong += 1
    return tuple(dict.fromkeys(found)), wrong


def _budget(text: str, ignored: list[str]) -> Decimal | None:
    if not text.strip():
        return None
    found = BUDGET.fullmatch(text.strip())
    if found is None:
        ignored.append("a budget that is no amount in dollars")
        return None
    return Decimal(found[1].replace(",", "") + (found[2] or ""))


def _page(text: str, ignored: list[str]) -> int:
    if text in {"", "all"}:
        return 0 if text else 1
    if re.fullmatch(r"[1-9][0-9]{0,3}", text):
        return int(text)
    ignored.append("a page there is not")
    return 1
