"""The offerings of a frozen request, each with all that is known of it: the quote it stands in,
its package, its details.

Pure: reads a run's request as it was sent, so that what is compared tomorrow is what was sent,
whatever is edited meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from quotes.models import LINES, Solution, SolutionLine
from quotes.models.carrier import carrier_key
from quotes.models.quote import carriers_own
from quotes.services import comparison, profile
from quotes.services import documents as doc
from quotes.services.details import document_details
from quotes.services.grouping import QuotedPackage, quoted_packages
from quotes.services.reading import Document

Json = Any
PACKAGE = doc.some_of(doc.QUOTE, "package_id", "package_premium_annual", "term_months")
"""What a quote, and the attributes of each of its offerings, say of the package."""

PackageKey = tuple[str, str, Decimal | None]


@dataclass(frozen=True)
class Policy:
    """One line of a package, or one in force: whose, for how much, and what it states.

    `details` holds values by code as `details.parse_detail` gives them; what is not stated is
    not in it. `package_lines` are the lines of the package it was quoted in, sent or not.
    `offering_id` is empty for what was not sent; `returned` is the premium Nexio gave it,
    `known_as` the carrier as we name it, whichever way it was sent.
    """

    line: str
    carrier: str
    premium: Decimal | None = None
    product: str = ""
    quote_ref: str = ""
    package_id: str = ""
    package_premium: Decimal | None = None
    package_lines: tuple[str, ...] = ()
    expires_at: datetime | None = None
    term_months: int | None = None
    details: Mapping[str, Json] = field(default_factory=dict)
    in_force: bool = False
    offering_id: str = ""
    returned: Decimal | None = None
    known_as: str = ""

    @property
    def package(self) -> PackageKey:
        """What the lines of one package have in common: carrier, package id and price."""
        return self.carrier, self.package_id, self.package_premium

    @property
    def name(self) -> str:
        return self.known_as or self.carrier or "Carrier not stated"


@dataclass(frozen=True)
class Option:
    """What stands in a column of a comparison: a ranked package, or what is in force today.

    `policies` by line; a line that is missing is not in the package, one without a match in the
    request has only what Nexio returned. A line that a package holds twice is "home 2" as well.
    """

    name: str
    policies: Mapping[str, Policy]
    solution: Solution | None = None
    cost_low: Decimal | None = None
    cost_high: Decimal | None = None

    @property
    def in_force(self) -> bool:
        return self.solution is None

    @property
    def said(self) -> str:
        """Its name inside a sentence."""
        return "today's policies" if self.in_force else self.name


class Frozen:
    """A frozen request, read once: offerings by id, and the policies in force."""

    def __init__(
        self,
        request: Mapping[str, Any],
        offering_lines: Mapping[str, str],
        sent: comparison.Sent | None = None,
    ) -> None:
        """`sent` is the same request's, where somebody has it already."""
        self.sent = comparison.Sent.of(request, offering_lines) if sent is None else sent
        self.policies = dict(_policies(request))
        self.in_force = dict(_in_force(request))
        self.replacement_cost = _replacement_cost(request)
        self._returned: dict[tuple[str, Decimal | None, str], Policy] = {}
        self._discounts: dict[PackageKey, Decimal | None] = {}

    def policy_of(self, line: SolutionLine) -> Policy:
        """A returned line with what was sent for it; only what came back where nothing was."""
        offering = self.sent.offering_of(line)
        sent_id = "" if offering is None else str(offering.get("id"))
        known = None if offering is None else self.policies.get(sent_id)
        returned = line.line_premium_annual
        if known is not None:
            # A run's many packages are made of the same few offerings.
            key = sent_id, returned, line.carrier.name if line.carrier else ""
            if key not in self._returned:
                self._returned[key] = replace(known, returned=returned, known_as=key[2])
            return self._returned[key]
        return Policy(
            line=line.category,
            carrier=line.shown_carrier,
            premium=returned,
            product=line.product_name,
            quote_ref=line.carrier_ref,
            returned=returned,
        )

    def bundle_discount(self, policy: Policy) -> Decimal | None:
        """How many dollars the policy's package takes off its lines' sum; None where a premium of
        it is not stated, or where it takes nothing off."""
        key = policy.package
        if key not in self._discounts:
            self._discounts[key] = self._discount(policy)
        return self._discounts[key]

    def _discount(self, policy: Policy) -> Decimal | None:
        own = [each for each in self.policies.values() if each.package == policy.package]
        premiums = [each.premium for each in own]
        # With two options of one line under one package nobody knows which of them its price is
        # for.
        whole = sorted(each.line for each in own) == sorted(policy.package_lines)
        if policy.package_premium is None or None in premiums or not whole:
            return None
        off = sum((p for p in premiums if p is not None), Decimal(0)) - policy.package_premium
        return off if off > 0 else None

    def option(self, solution: Solution) -> Option:
        """A solution, its lines and their carriers prefetched, as a column of a comparison."""
        policies: dict[str, Policy] = {}
        for line in solution.returned:
            key, number = line.category, 1
            while key in policies:
                number += 1
                key = f"{line.category} {number}"
            policies[key] = self.policy_of(line)
        return Option(
            name=str(solution),
            policies=policies,
            solution=solution,
            cost_low=solution.est_cost_low,
            cost_high=solution.est_cost_high,
        )

    def incumbent(self, lines: Iterable[str]) -> Option | None:
        """What is in force for `lines`; None where nothing is stated of any of them."""
        held = {line: self.in_force[line] for line in lines if line in self.in_force}
        if not held:
            return None
        premiums = [policy.premium for policy in held.values()]
        known = len(held) == len(set(lines)) and None not in premiums
        total = sum((p for p in premiums if p is not None), Decimal(0)) if known else None
        return Option("In force today", held, None, total, total)


def _replacement_cost(request: Mapping[str, Any]) -> Decimal | None:
    """What the profile says it costs to rebuild the house, in dollars; None where not stated."""
    value = request.get("input")
    residence = value.get("residence") if isinstance(value, dict) else None
    stated = residence.get("replacement_cost") if isinstance(residence, dict) else None
    return profile.replacement_cost(stated)


def _policies(request: Mapping[str, Any]) -> Iterable[tuple[str, Policy]]:
    """Offering id → what it states, the quote it was made of read as well."""
    value = request.get("input")
    document = Document(
        input=dict(value) if isinstance(value, dict) else {},
        offerings=[dict(each) for each in comparison.offerings_sent(request)],
    )
    packages = [
        (each, doc.read_fields(each.document, PACKAGE))
        for each in quoted_packages(document, to_keep=False)
    ]
    together = _quoted_together(packages)
    for package, quote in packages:
        quoted = together[_package_key(package, quote)]
        for line in package.lines:
            offering = line.offering
            if offering is None:
                continue
            sent = doc.read_fields(comparison.attributes_of(offering), PACKAGE)
            own = line.columns()
            yield (
                str(offering.get("id")),
                Policy(
                    line=line.line,
                    carrier=str(offering.get("provider_name") or package.carrier),
                    premium=own["premium_annual"],
                    product=own["product_name"],
                    quote_ref=carriers_own(own["quote_ref"]),
                    package_id=sent["package_id"] or quote["package_id"],
                    package_premium=sent["package_premium_annual"],
                    package_lines=quoted,
                    expires_at=comparison.expiry_of(offering),
                    term_months=sent["term_months"] or quote["term_months"],
                    details=document_details(line.line, line.document, offering),
                    offering_id=str(offering.get("id")),
                ),
            )


def _package_key(package: QuotedPackage, quote: Mapping[str, Any]) -> tuple[str, str]:
    """Options of one line under one package id stand in packages of their own, and are one's."""
    own = quote["package_id"]
    return carrier_key(package.carrier), str(own) if own else f"alone {id(package)}"


def _quoted_together(
    packages: Iterable[tuple[QuotedPackage, Mapping[str, Any]]],
) -> dict[tuple[str, str], tuple[str, ...]]:
    """The lines of each package, those that were not sent as well: its price was made with them."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for package, quote in packages:
        lines = found.setdefault(_package_key(package, quote), {})
        lines.update(dict.fromkeys(line.line for line in package.lines))
    return {key: tuple(lines) for key, lines in found.items()}


def _in_force(request: Mapping[str, Any]) -> Iterable[tuple[str, Policy]]:
    value = request.get("input")
    current = value.get("current_coverage") if isinstance(value, dict) else None
    for line in LINES:
        stated = current.get(line) if isinstance(current, dict) else None
        if isinstance(stated, dict):
            columns = doc.read_fields(stated, doc.INCUMBENT)
            yield (
                line,
                Policy(
                    line=line,
                    carrier=columns["carrier_name"],
                    premium=columns["annual_premium"],
                    details=document_details(line, stated, {}),
                    in_force=True,
                ),
            )
