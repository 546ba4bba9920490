"""What somebody supposes of a run's offerings: locks, what is left out, other premiums.

Pure. It stands in an address, so it holds codes and numbers only; what makes no sense there is
left out and said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import urlencode

from quotes.services.choice import BUDGET
from quotes.services.comparison import line_word
from quotes.services.what_if.offers import Offer, Offers

NUMBER = re.compile(r"[1-9][0-9]{0,4}")
MOST_PREMIUM = Decimal(10_000_000)
NOT_AN_AMOUNT = "write dollars a year, such as 2,155, under ten million"
Query = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Changes:
    """Every part empty: as sent.

    `everywhere` is the code of the carrier all lines are locked to, `locks` by line a carrier's
    code or "o" with an offering's number, which goes before it. `without` are carriers' codes,
    `left_out` offerings' numbers, `premiums` dollars a year by offering's number.
    """

    everywhere: str = ""
    locks: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    left_out: tuple[int, ...] = ()
    premiums: Mapping[int, Decimal] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.everywhere or self.locks or self.without or self.left_out or self.premiums)

    @property
    def query(self) -> str:
        """The address's query, "?" included; "" for no change."""
        pairs = [
            ("all", self.everywhere),
            *self.locks.items(),
            *(("without", code) for code in self.without),
            *(("out", str(number)) for number in self.left_out),
            *((f"p{n}", premium_text(value)) for n, value in self.premiums.items()),
        ]
        written = urlencode([(name, value) for name, value in pairs if value])
        return f"?{written}" if written else ""

    def lock_of(self, line: str) -> str:
        return self.locks.get(line, self.everywhere)

    def allows(self, offer: Offer) -> bool:
        """Whether the offering may be taken."""
        if offer.number in self.left_out or offer.carrier_code in self.without:
            return False
        lock = self.lock_of(offer.line)
        return lock in ("", offer.carrier_code, f"o{offer.number}")

    def alone(self, offer: Offer) -> Decimal | None:
        """Dollars a year for the line outside its package; None where nothing is stated."""
        return self.premiums.get(offer.number, offer.alone)

    def moved(self, offers: Sequence[Offer]) -> Decimal:
        """By how many dollars the changed premiums move these offerings' package price: its
        discount in dollars stays. A line that stated no premium moves nothing."""
        return sum(
            (
                self.premiums[each.number] - each.sent
                for each in offers
                if each.number in self.premiums and each.sent is not None
            ),
            Decimal(0),
        )


def premium_text(value: Decimal) -> str:
    whole = value == value.to_integral_value()
    return f"{value:.0f}" if whole else f"{value:.2f}"


def read_changes(query: Query, offers: Offers) -> tuple[Changes, list[str]]:
    """The changes an address states, and in words what of it was left out as senseless."""
    ignored: list[str] = []
    codes = {each.code for each in offers.carriers}
    everywhere = _last(query, "all")
    if everywhere and everywhere not in codes:
        ignored.append("a carrier for all lines that offers nothing here")
        everywhere = ""
    without = _known(query, "without", codes, "a carrier to leave out that offers nothing here")
    numbers = {str(number) for number in offers.by_number}
    left_out = _known(query, "out", numbers, "an offering to leave out that was not sent")
    ignored += [*without[1], *left_out[1]]
    return (
        Changes(
            everywhere=everywhere,
            locks=_locks(query, offers, ignored),
            without=without[0],
            left_out=tuple(sorted(int(number) for number in left_out[0])),
            premiums=_premiums(query, offers, ignored),
        ),
        ignored,
    )


def _last(query: Query, name: str) -> str:
    return (query.get(name) or [""])[-1]


def _known(
    query: Query, name: str, known: set[str], words: str
) -> tuple[tuple[str, ...], list[str]]:
    stated = [each for each in dict.fromkeys(query.get(name, ())) if each]
    kept = tuple(each for each in stated if each in known)
    return kept, [words] if len(kept) < len(stated) else []


def _locks(query: Query, offers: Offers, ignored: list[str]) -> dict[str, str]:
    locks = {}
    for line in offers.lines:
        stated = _last(query, line)
        own = offers.of_line(line)
        known = {each.carrier_code for each in own} | {f"o{each.number}" for each in own}
        if stated in known:
            locks[line] = stated
        elif stated:
            ignored.append(f"a lock on {line_word(line)} that names no offering of it")
    return locks


def _premiums(query: Query, offers: Offers, ignored: list[str]) -> dict[int, Decimal]:
    """What says the premium that was sent changes nothing."""
    premiums: dict[int, Decimal] = {}
    for name in query:
        text = _last(query, name).strip()
        if not text or not name.startswith("p") or not NUMBER.fullmatch(name[1:]):
            continue
        offer = offers.by_number.get(int(name[1:]))
        amount = _amount(text)
        if offer is None:
            ignored.append("a premium of an offering that was not sent")
        elif amount is None:
            ignored.append(f"the premium of {offer.words}: {NOT_AN_AMOUNT}")
        elif amount != offer.sent:
            premiums[offer.number] = amount
    return dict(sorted(premiums.items()))


def wrong_premiums(query: Query, offers: Offers) -> dict[int, str]:
    """By offering's number, what to write instead of a premium that is none."""
    typed = {number: _last(query, f"p{number}").strip() for number in offers.by_number}
    return {
        number: NOT_AN_AMOUNT[:1].upper() + NOT_AN_AMOUNT[1:] + "."
        for number, text in typed.items()
        if text and _amount(text) is None
    }


def _amount(text: str) -> Decimal | None:
    found = BUDGET.fullmatch(text)
    if found is None:
        return None
    amount = Decimal(found[1].replace(",", "") + (found[2] or ""))
    return amount if amount < MOST_PREMIUM else None
