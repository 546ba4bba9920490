"""Whether a package's umbrella attaches: its required underlying limits against what the auto
and home lines beside it state. Mixing carriers makes gaps likelier."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from quotes.services.frozen import Option, Policy
from quotes.services.shorthand import (
    CombinedLimit,
    SplitLimits,
    from_json,
    short_dollars,
    shown_limits,
)


class Attaches(StrEnum):
    YES = "attaches"
    GAP = "gap"
    UNKNOWN = "unknown"
    NO_UMBRELLA = "no_umbrella"


@dataclass(frozen=True)
class Gap:
    """Where a limit underneath is too low: by how many dollars, against what is required.

    `short` says it for the whole policy in the space of a cell; the gaps of one policy share it.
    """

    what: str
    stated: str
    required: str
    dollars: Decimal
    short: str

    @property
    def words(self) -> str:
        """ "Coverage E $300k, umbrella needs $500k: $200,000 short"."""
        return (
            f"{self.what} {self.stated}, umbrella needs {self.required}: ${self.dollars:,.0f} short"
        )


@dataclass(frozen=True)
class Attachment:
    """The check of one package. `compared` says what was compared, `unknown` what could not be."""

    verdict: Attaches
    gaps: Sequence[Gap] = ()
    unknown: Sequence[str] = ()
    compared: Sequence[str] = ()


def check_umbrella(option: Option) -> Attachment:
    """The dollar gaps between an option's limits and its umbrella's required underlying limits.

    What either side does not state is unknown, never taken as enough.
    """
    umbrella = option.policies.get("umbrella")
    if umbrella is None:
        return Attachment(Attaches.NO_UMBRELLA)
    gaps: list[Gap] = []
    unknown: list[str] = []
    compared: list[str] = []
    for found, missing, done in (
        _auto(umbrella, option.policies.get("auto")),
        _home(umbrella, option.policies.get("home")),
    ):
        gaps += found
        unknown += missing
        compared += done
    verdict = Attaches.GAP if gaps else Attaches.UNKNOWN if unknown else Attaches.YES
    return Attachment(verdict, tuple(gaps), tuple(unknown), tuple(compared))


Found = tuple[list[Gap], list[str], list[str]]


def _home(umbrella: Policy, home: Policy | None) -> Found:
    required = umbrella.details.get("required_coverage_e")
    if required is None:
        return [], ["the umbrella's required coverage E is not stated"], []
    if home is None:
        return [], [f"no home line in the package; coverage E {_short(required)} is required"], []
    stated = home.details.get("coverage_e")
    if stated == "none":
        stated = 0
    if not isinstance(stated, (int, Decimal)):
        return [], ["the home's coverage E is not stated"], []
    compared = [f"coverage E {_short(stated)} against {_short(required)} required"]
    if stated < required:
        gap = Decimal(required) - Decimal(stated)
        held, needed = _short(stated), _short(required)
        said = f"Cov E {held}, umbrella needs {needed}"
        return [Gap("Coverage E", held, needed, gap, said)], [], compared
    return [], [], compared


def _auto(umbrella: Policy, auto: Policy | None) -> Found:
    required = umbrella.details.get("required_auto")
    if required is None:
        return [], ["the umbrella's required auto limits are not stated"], []
    shown = shown_limits(required)
    if auto is None:
        return [], [f"no auto line in the package; {shown} is required"], []
    stated = auto.details.get("liability")
    if stated is None:
        return [], ["the auto's liability limits are not stated"], []
    (held,) = from_json(stated)
    alike = [each for each in from_json(required) if type(each) is type(held)]
    if not alike:
        return (
            [],
            [
                f"auto {shown_limits(stated)} is another structure than the {shown} it asks for: "
                f"have {umbrella.name} confirm that it is accepted"
            ],
            [],
        )
    compared = [f"auto {shown_limits(stated)} against {shown} required"]
    gaps, missing = _limits(held, alike[0], shown_limits(stated), shown)
    return gaps, missing, compared


def _limits(
    held: SplitLimits | CombinedLimit, wanted: SplitLimits | CombinedLimit, stated: str, shown: str
) -> tuple[list[Gap], list[str]]:
    pairs: Iterable[tuple[str, Decimal | None, Decimal | None]]
    if isinstance(held, CombinedLimit) and isinstance(wanted, CombinedLimit):
        pairs = [("Auto combined limit", held.amount, wanted.amount)]
    elif isinstance(held, SplitLimits) and isinstance(wanted, SplitLimits):
        pairs = [
            ("Auto BI per person", held.per_person, wanted.per_person),
            ("Auto BI per accident", held.per_accident, wanted.per_accident),
            ("Auto property damage", held.property_damage, wanted.property_damage),
        ]
    else:
        pairs = []
    gaps, missing = [], []
    for what, have, need in pairs:
        if need is None:
            continue
        if have is None:
            missing.append(
                f"{what[:1].lower()}{what[1:]} is not stated; {_short(need)} is required"
            )
        elif have < need:
            said = f"Auto {stated}, umbrella needs {shown}"
            gaps.append(Gap(what, _short(have), _short(need), need - have, said))
    return gaps, missing


def _short(amount: Any) -> str:
    return short_dollars(Decimal(amount))
