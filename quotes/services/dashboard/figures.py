"""All that a dashboard counts of some runs, in a form that can be added up and kept.

Figures of a month that is over are read as they were kept, those of other days from the facts; the
dashboard shows their sum. Times are kept as they are, one by one and in order, so that percentiles
stay exact and a year's times are months that need only be merged.
"""

from __future__ import annotations

import json
import sys
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from typing import NamedTuple

from quotes.services.dashboard.counts import COUNTED, Counts
from quotes.services.dashboard.percentiles import Times

CENTS = 100
Parts = dict[int | None, Counter[str]]
"""Carrier, or None for names that no carrier goes by → part → runs."""


class Said(NamedTuple):
    """A reason in so many runs; `step` is the last step of a decision that has it."""

    runs: int
    latest: datetime
    step: int


@dataclass
class OfBroker:
    """`timed` are seconds from the first quote to the choice, of the runs that have them."""

    counts: Counts = field(default_factory=Counts)
    timed: Times = field(default_factory=Times)


@dataclass
class Figures:
    """`reasons` are by the mark of their words, which are kept in the steps alone; `waited` and
    `timed`, which is all brokers', are seconds; `brokers` are by id, 0 for nobody."""

    days: dict[date, Counts] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    carriers: Parts = field(default_factory=dict)
    reasons: dict[str, Said] = field(default_factory=dict)
    waited: Times = field(default_factory=Times)
    timed: Times = field(default_factory=Times)
    brokers: dict[int, OfBroker] = field(default_factory=dict)

    def day(self, day: date) -> Counts:
        return self.days.setdefault(day, Counts())

    def broker(self, pk: int) -> OfBroker:
        return self.brokers.setdefault(pk, OfBroker())

    def carrier(self, pk: int | None) -> Counter[str]:
        return self.carriers.setdefault(pk, Counter())

    def say(self, mark: str, said: Said) -> None:
        before = self.reasons.get(mark)
        if before is not None:
            latest, step = max(before.latest, said.latest), max(before.step, said.step)
            said = Said(before.runs + said.runs, latest, step)
        self.reasons[mark] = said

    def add_kept(self, documents: Iterable[tuple[date, str]], by_day: bool = True) -> None:
        """Add months or days as `kept` wrote them, each with the first day of its month; without
        `by_day` all of a month to that day.

        A year of forty brokers is some thousand rows of counts: they are gathered first and summed
        by columns.
        """
        days: dict[date, list[list[int]]] = defaultdict(list)
        brokers: dict[int, list[list[int]]] = defaultdict(list)
        seconds: dict[int, list[str]] = defaultdict(list)
        carriers: dict[int | None, dict[str, int]] = defaultdict(dict)
        for month, data in documents:
            value = json.loads(data)
            if by_day:
                for day, row in json.loads(value["days"]):
                    days[month.replace(day=day)].append(row)
            else:
                days[month].append(value["total"])
            for pk, row, timed in value["brokers"]:
                brokers[pk].append(row)
                seconds[pk].append(timed)
            for code, runs in value["failures"].items():
                self.failures[code] += runs
            for pk, parts in value["carriers"]:
                carrier = carriers[pk]
                for part, runs in parts.items():
                    carrier[part] = carrier.get(part, 0) + runs
            for mark, runs, latest, step in value["reasons"]:
                self.say(mark, Said(runs, datetime.fromisoformat(latest), step))
            self.waited.new += _unpacked(value["waited"])
            self.timed.new += _unpacked(value["timed"])
        for pk, parts in carriers.items():
            self.carrier(pk).update(parts)
        for day, rows in days.items():
            self.day(day).add(_counts(rows))
        for pk, rows in brokers.items():
            broker = self.broker(pk)
            broker.counts.add(_counts(rows))
            broker.timed.new += _unpacked("".join(seconds[pk]))

    def add_sum(self, of: Figures) -> None:
        """Add a sum that is settled, which stays as it is: what it says of times is not copied."""
        for day, counts in of.days.items():
            self.day(day).add(counts)
        self.failures.update(of.failures)
        for pk, parts in of.carriers.items():
            self.carrier(pk).update(parts)
        for mark, said in of.reasons.items():
            self.say(mark, said)
        self.waited.kept += of.waited.kept
        self.timed.kept += of.timed.kept
        for pk, theirs in of.brokers.items():
            broker = self.broker(pk)
            broker.counts.add(theirs.counts)
            broker.timed.kept += theirs.timed.kept

    def settle(self) -> None:
        """Bring all times in order, once for all the sums that this is added to."""
        for times in (self.waited, self.timed, *(each.timed for each in self.brokers.values())):
            times.settle()

    def kept(self) -> str:
        """The figures of one month as JSON."""
        total = Counts()
        for counts in self.days.values():
            total.add(counts)
        value = {
            # In quotes: most of a document, and of twelve months not read.
            "days": _json([[day.day, _row(of)] for day, of in sorted(self.days.items())]),
            "total": _row(total),
            "failures": self.failures,
            "carriers": list(self.carriers.items()),
            "reasons": [
                [of, s.runs, s.latest.isoformat(), s.step] for of, s in self.reasons.items()
            ],
            "waited": _packed(self.waited),
            "timed": _packed(self.timed),
            "brokers": [
                [pk, _row(of.counts), _packed(of.timed)] for pk, of in self.brokers.items()
            ],
        }
        return _json(value)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _packed(times: Times) -> str:
    """The values in order as text: 64 bits each, the low byte first, as hexadecimal digits, which
    may be put one after the other. As JSON's decimals a year's would take longer to read than all
    else on the page."""
    values = array("d", sorted(chain(*times.kept, times.new)))
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes().hex()


def _unpacked(text: str) -> array[float]:
    values = array("d")
    values.frombytes(bytes.fromhex(text))
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _row(counts: Counts) -> list[int]:
    money = [int(counts.premium * CENTS), int(counts.moved * CENTS)]
    return [*(getattr(counts, name) for name in COUNTED), *money]


def _counts(rows: list[list[int]]) -> Counts:
    """The sum of rows as `_row` writes them."""
    *numbers, premium, moved = (sum(column) for column in zip(*rows, strict=True))
    return Counts(*numbers, *(Decimal(cents).scaleb(-2) for cents in (premium, moved)))
