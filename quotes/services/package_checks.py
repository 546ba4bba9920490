"""Our own checks of one package, beside what Nexio says of it. Each says what it compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from quotes.services import expiry
from quotes.services.checks import Check, Outcome
from quotes.services.comparison import in_words, line_word, lines_in_words
from quotes.services.frozen import Frozen, Option, PackageKey, Policy
from quotes.services.money import dollars, dollars_between
from quotes.services.points import shown_of
from quotes.services.policy_checks import check_dwelling, check_terms
from quotes.services.umbrella import Attaches, Attachment, check_umbrella

AGREES = "Cost agrees with the lines"


def check_package(option: Option, frozen: Frozen, now: datetime) -> list[Check]:
    """Every check that applies to a ranked package, those that need a look first."""
    found = [
        *_umbrella(check_umbrella(option)),
        *check_dwelling(option, frozen.replacement_cost),
        *check_terms(option),
        *_expiry(option, now),
        *_effective(option),
        *_split(option, frozen),
        *_cost(option),
    ]
    order = [Outcome.WARNING, Outcome.UNKNOWN, Outcome.FINE]
    return sorted(found, key=lambda check: (not check.closed, order.index(check.outcome)))


def _umbrella(attachment: Attachment) -> Iterable[Check]:
    if attachment.verdict is Attaches.NO_UMBRELLA:
        return
    compared = "; ".join(attachment.compared)
    if attachment.verdict is Attaches.YES:
        yield Check("umbrella", Outcome.FINE, "Umbrella attaches", (), compared)
        return
    details = [*(gap.words for gap in attachment.gaps), *attachment.unknown]
    if attachment.gaps:
        whose = list(dict.fromkeys(gap.short for gap in attachment.gaps))
        words = whose[0] if len(whose) == 1 else "Auto and Cov E below what the umbrella needs"
        yield Check("umbrella", Outcome.WARNING, words, details, compared)
    else:
        words = "Umbrella attachment not known"
        yield Check("umbrella", Outcome.UNKNOWN, words, details, compared)


def _expiry(option: Option, now: datetime) -> Iterable[Check]:
    """A package expires with its earliest line; one that states no expiry may end before it."""
    ends = {key: each.expires_at for key, each in option.policies.items()}
    stated = {key: end for key, end in ends.items() if end is not None}
    missing = lines_in_words(tuple(key for key, end in ends.items() if end is None))
    if not stated:
        yield Check("expiry", Outcome.UNKNOWN, "Expiry not stated", (), "no line states its expiry")
        return
    first = min(stated.values())
    whose = lines_in_words(tuple(key for key, end in stated.items() if end == first))
    compared = f"the expiry of {lines_in_words(tuple(stated))}"
    details = [f"not stated for {missing}: that may end earlier"] if missing else []
    last = expiry.last_day(first)
    day = f"{last:%b} {last.day}"
    if first <= now:
        words = f"Expired {day} ({whose})"
        yield Check("expiry", Outcome.WARNING, words, details, compared, closed=True)
    elif expiry.is_soon(first, now):
        words = f"Expires {day} ({whose})"
        yield Check("expiry", Outcome.WARNING, words, details, compared)
    elif missing:
        words = f"Good until {day} ({whose}); {missing} not stated"
        yield Check("expiry", Outcome.UNKNOWN, words, details, compared)
    else:
        yield Check("expiry", Outcome.FINE, f"Good until {day} ({whose})", details, compared)


def _effective(option: Option) -> Iterable[Check]:
    dates = {
        line: policy.details["effective_date"]
        for line, policy in option.policies.items()
        if policy.details.get("effective_date")
    }
    said = [f"{line_word(ln)} {shown_of(option.policies[ln], 'effective_date')}" for ln in dates]
    missing = lines_in_words(tuple(line for line in option.policies if line not in dates))
    if len(set(dates.values())) > 1:
        yield Check("effective", Outcome.WARNING, "Effective dates differ", said, "effective dates")
    elif dates and missing:
        words = f"Effective date of {missing} not stated"
        yield Check("effective", Outcome.UNKNOWN, words, said, "effective dates")


def _split(option: Option, frozen: Frozen) -> Iterable[Check]:
    """Lines quoted inside a bundle that this package takes without the rest of it."""
    taken: dict[tuple[PackageKey, tuple[str, ...]], list[Policy]] = {}
    packages = {line: policy.package for line, policy in option.policies.items()}
    for line, policy in option.policies.items():
        left = _left_behind(policy, packages[line], packages)
        if left and not _standalone_confirmed(policy):
            taken.setdefault((packages[line], left), []).append(policy)
    details = [_split_words(policies, left, frozen) for (_, left), policies in taken.items()]
    if details:
        yield Check(
            "split",
            Outcome.WARNING,
            "Unconfirmed if split",
            details,
            "each line's package with the lines taken from it",
        )


def _split_words(policies: Sequence[Policy], left: Sequence[str], frozen: Frozen) -> str:
    """ "Gulfwind's auto and umbrella were quoted with home; $650 of bundle discount …"."""
    lines = lines_in_words(tuple(policy.line for policy in policies))
    were = "was" if len(policies) == 1 else "were"
    whole = f"{policies[0].name}'s {lines} {were} quoted with {in_words(left)}"
    off = frozen.bundle_discount(policies[0])
    return f"{whole}; {dollars(off)} of bundle discount is at stake" if off else whole


def _left_behind(
    policy: Policy, own: PackageKey, taken: Mapping[str, PackageKey]
) -> tuple[str, ...]:
    """The other lines of the policy's package that the option takes elsewhere, in words. `taken`
    says of each line in the option whose package it is, `own` is the policy's."""
    if not policy.package_id and policy.package_premium is None:
        return ()
    return tuple(
        line_word(line)
        for line in policy.package_lines
        if line != policy.line and taken.get(line) != own
    )


def _standalone_confirmed(policy: Policy) -> bool:
    """Whether the carrier confirmed this line's price outside the package."""
    stated = policy.details.get("standalone")
    return isinstance(stated, dict) and stated.get("confirmed") is True


def _cost(option: Option) -> Iterable[Check]:
    """Our sum of the lines' premiums against Nexio's cost."""
    premiums = [policy.premium for policy in option.policies.values()]
    low, high = option.cost_low, option.cost_high
    if None in premiums or not premiums:
        yield Check(
            "cost", Outcome.UNKNOWN, "Cost not checked", (), "a line's premium is not stated"
        )
        return
    total = sum((p for p in premiums if p is not None), Decimal(0))
    bottom = low if low is not None else high
    top = high if high is not None else low
    if bottom is None or top is None:
        yield Check("cost", Outcome.UNKNOWN, "Cost not checked", (), "Nexio gives no cost")
        return
    said = dollars_between(bottom, top)
    compared = f"our sum of line premiums {dollars(total)} with Nexio's cost {said}"
    if bottom <= total <= top:
        end = "low" if total == bottom else "high" if total == top else ""
        words = f"Lines sum to the {end} end of the range" if end and bottom < top else AGREES
        yield Check("cost", Outcome.FINE, words, (), compared)
        return
    off = total - top if total > top else bottom - total
    side = "above" if total > top else "below"
    words = f"Lines sum to {dollars(off)} {side} Nexio's cost"
    packages = {(p.package_id, p.package_premium) for p in option.policies.values()}
    bundled = len(packages) == 1 and any(
        price is not None and price in (low, high) for _, price in packages
    )
    if bundled and total > top:
        words = f"Whole package, {dollars(off)} bundle discount"
    reason = ["the whole package is taken, at its package premium"] if bundled else []
    yield Check("cost", Outcome.FINE if bundled else Outcome.WARNING, words, reason, compared)
