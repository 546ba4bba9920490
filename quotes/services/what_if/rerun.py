"""A what-if made a real run: the frozen request with the changes in it, sent as another run.

The insured's quotes are not touched, nor is anything a past run used. What is left out of the
offerings is left out of `input.quotes` as well, and a changed premium stands in both, so that
the request contradicts itself nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from quotes.models import LINES, Insured, Run, RunState, User
from quotes.services import comparison, details
from quotes.services import documents as doc
from quotes.services.comparison import in_words, line_word
from quotes.services.findings import Finding
from quotes.services.money import dollars
from quotes.services.readiness import NotReady
from quotes.services.runs import NotPossible, queue_request
from quotes.services.starting import SAME_PRESS, AlreadyStarted
from quotes.services.what_if.changes import Changes
from quotes.services.what_if.cheapest import bundle_price
from quotes.services.what_if.offers import Bundle, Offer, Offers, packages_of
from quotes.services.what_if.origin import SENT, SENT_AS, quoted_request, supposed_in

MOST_SAID = 8


@dataclass(frozen=True)
class Repriced:
    """A premium that is not the one sent: dollars a year, `was` None where none was stated."""

    offer: Offer
    was: Decimal | None
    now: Decimal


@dataclass(frozen=True)
class Supposed:
    """What a rerun would send. `mistakes` are what blocks it; `bundles` the package prices that
    move with their lines' premiums, each with what it moves to."""

    body: Mapping[str, Any]
    offering_lines: Mapping[str, str]
    left_out: tuple[Offer, ...]
    kept: tuple[Offer, ...]
    repriced: tuple[Repriced, ...]
    bundles: tuple[tuple[Bundle, Decimal], ...]
    mistakes: tuple[Finding, ...]

    @property
    def changes_nothing(self) -> bool:
        return not self.left_out and not self.repriced

    @property
    def said(self) -> str:
        """ "left out Larkspur umbrella; Copperfield home $4,800 instead of $5,120"."""
        parts = []
        if self.left_out:
            named = [each.words for each in self.left_out]
            parts.append(f"left out {_short(named)}")
        parts += [
            f"{each.offer.words} {dollars(each.now)} instead of {dollars(each.was)}"
            for each in self.repriced[:MOST_SAID]
        ]
        if (more := len(self.repriced) - MOST_SAID) > 0:
            parts.append(f"{more} more premiums changed")
        return "; ".join(parts)


def _short(named: list[str]) -> str:
    more = len(named) - MOST_SAID
    return in_words(named if more <= 0 else [*named[:MOST_SAID], f"{more} more"])


def suppose(run: Run, offers: Offers, changes: Changes) -> Supposed:
    """The request that `changes` make of the run's own; writes nothing."""
    kept = [each for each in offers.by_number.values() if changes.allows(each)]
    left_out = [each for each in offers.by_number.values() if not changes.allows(each)]
    repriced = [
        Repriced(each, each.sent, changes.premiums[each.number])
        for each in kept
        if each.number in changes.premiums
    ]
    # A changed premium of what is left out anyway moves nothing.
    given = Changes(premiums={each.offer.number: each.now for each in repriced})
    moved = [
        (bundle, bundle_price(bundle, given))
        for bundle in offers.bundles
        if given.moved(bundle.offers)
    ]
    body = _changed(run.request, left_out, repriced, moved)
    ids = {str(each.get("id")) for each in body["offerings"]}
    return Supposed(
        body=body,
        offering_lines={key: line for key, line in run.offering_lines.items() if key in ids},
        left_out=tuple(left_out),
        kept=tuple(kept),
        repriced=tuple(repriced),
        bundles=tuple(moved),
        mistakes=tuple(_mistakes(offers, kept)),
    )


def _mistakes(offers: Offers, kept: list[Offer]) -> list[Finding]:
    """The guide: at least one offering for each of the requested lines. What else blocks a
    comparison was mended before the first run was sent."""
    named = {each.line for each in kept}
    return [
        Finding(
            "offerings",
            f"no {line_word(line)} offering is left: put one back",
            code="line_not_quoted",
        )
        for line in offers.lines
        if line not in named
    ]


def _changed(
    request: Mapping[str, Any],
    left_out: list[Offer],
    repriced: list[Repriced],
    moved: list[tuple[Bundle, Decimal]],
) -> dict[str, Any]:
    body: dict[str, Any] = deepcopy(dict(request))
    packages = packages_of(request)
    # By an offering's number: its quote in `input.quotes`, where it stands there.
    stated = body["input"].get("quotes") or []
    quotes = {
        line.position + 1: stated[place]
        for place, package in enumerate(packages)
        if package.listed
        for line in package.lines
        if line.offering is not None
    }
    sent = comparison.offerings_sent(body)
    for each in repriced:
        _reprice(sent[each.offer.number - 1], quotes.get(each.offer.number), each)
    for bundle, price in moved:
        for offer in bundle.offers:
            _set_package_price(sent[offer.number - 1], quotes.get(offer.number), price)
    for offer in left_out:
        quotes.get(offer.number, {}).pop(offer.line, None)
    gone = {offer.number for offer in left_out}
    body["offerings"] = [each for n, each in enumerate(sent, 1) if n not in gone]
    _drop_emptied(body["input"], [quotes[n] for n in gone if n in quotes])
    return body


def _reprice(offering: Mapping[str, Any], quote: dict[str, Any] | None, new: Repriced) -> None:
    """Write the premium wherever the line states it; a term's price is not true any more."""
    line, amount = new.offer.line, doc.write_money(new.now)
    details.take_out(offering, line, "term")
    offering["attributes"]["line_premium_annual"] = amount
    if quote is not None:
        details.take_out(quote[line], line, "term")
        quote[line]["premium_annual"] = amount


def _set_package_price(
    offering: Mapping[str, Any], quote: dict[str, Any] | None, price: Decimal
) -> None:
    offering["attributes"]["package_premium_annual"] = doc.write_money(price)
    if quote is not None and "package_premium_annual" in quote:
        quote["package_premium_annual"] = doc.write_money(price)


def _drop_emptied(value: dict[str, Any], touched: list[dict[str, Any]]) -> None:
    """Take quotes out of `input.quotes` that have no line any more; without any, the key."""
    empty = [each for each in touched if not any(isinstance(each.get(ln), dict) for ln in LINES)]
    if not empty:
        return
    left = [each for each in value["quotes"] if not any(each is gone for gone in empty)]
    if left:
        value["quotes"] = left
    else:
        del value["quotes"]


@transaction.atomic
def rerun(*, run: Run, offers: Offers, changes: Changes, actor: User, hint: bool = True) -> Run:
    """Send the what-if as a new run of the same insured, linked to `run` by both timelines.

    Raises NotPossible for a run that is not completed and for changes that change nothing sent,
    NotReady where a requested line has no offering left, and AlreadyStarted for a second press.
    """
    Insured.objects.select_for_update(of=("self",)).get(pk=run.insured_id)
    if run.state != RunState.COMPLETED:
        raise NotPossible("Only a completed run is sent again with changes.")
    supposed = suppose(run, offers, changes)
    if supposed.changes_nothing:
        raise NotPossible("Nothing sent would be different: change something first.")
    if supposed.mistakes:
        raise NotReady(supposed.mistakes)
    new = _queue(run, supposed, actor, hint)
    _link(run, new, supposed, actor)
    return new


def _queue(run: Run, supposed: Supposed, actor: User, hint: bool) -> Run:
    """The new run. Raises AlreadyStarted where this person sent the same a moment ago."""
    recent = list(
        run.insured.runs.in_flight().filter(
            started_by=actor, resubmission_of=None, created_at__gt=timezone.now() - SAME_PRESS
        )
    )
    new = queue_request(
        insured=run.insured,
        body=dict(supposed.body),
        offering_lines=dict(supposed.offering_lines),
        coverage_types=run.coverage_types,
        appetite=run.appetite,
        started_by=actor,
        hint=hint,
    )
    for other in recent:
        if bytes(other.request_body) == bytes(new.request_body):
            raise AlreadyStarted(other)
    return new


def _link(run: Run, new: Run, supposed: Supposed, actor: User) -> None:
    """Write into both timelines that `new` is a what-if of `run`.

    `supposed` counts all premiums that nobody quoted, `repriced` those changed now.
    """
    now = timezone.now()
    carried = supposed_in(new.request, new.offering_lines, quoted_request(run))
    new.note(
        at=now,
        kind=SENT,
        text=f"What-if of run {run.number}: {supposed.said}.",
        actor=actor,
        data={
            "run": str(run.pk),
            "number": run.number,
            "repriced": len(supposed.repriced),
            "supposed": len(carried.by_id),
            "said": supposed.said[:900],
        },
    )
    run.note(
        at=now,
        kind=SENT_AS,
        text=f"A what-if of it was sent as run {new.number}: {supposed.said}.",
        actor=actor,
        data={"run": str(new.pk), "number": new.number},
    )
