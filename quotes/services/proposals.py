"""Proposals: made as a tagged PDF, kept byte for byte, and delivered."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from quotes.models import (
    DecisionEvent,
    Proposal,
    ProposalOption,
    ProposalPage,
    Run,
    RunState,
    Solution,
    User,
)
from quotes.services.agency import agency_words, without_logo
from quotes.services.decision_step import NotPossible, Said
from quotes.services.decisions import mark_shown
from quotes.services.proposal_content import proposal_data
from quotes.services.typesetting import NotTypeset, Typeset
from quotes.services.what_if.origin import supposed_premiums

log = structlog.get_logger(__name__)
FEWEST_OPTIONS, MOST_OPTIONS = 2, 4


@transaction.atomic
def make_proposal(*, run: Run, solutions: Sequence[Solution], notes: str, actor: User) -> Proposal:
    """Set a proposal of two to four packages of a completed run, the chosen one first.

    Where the run has a single package that may be proposed, that one alone. Raises NotPossible for
    another number, a package of another run, a run that is not completed, and a package with a
    premium that no carrier quoted. Such a premium is refused, not marked: a page is copied, cut and
    read by somebody who was never told what a what-if is, and a price presented without an insurer
    behind it is a misrepresentation of the policy's terms (NAIC model act 880, section 4 A). The
    row is never changed again.
    """
    run = (
        Run.objects.select_for_update(of=("self",))
        .select_related("insured", "chosen")
        .defer("request_body", "response_body", "response")
        .get(pk=run.pk)
    )
    if run.state != RunState.COMPLETED:
        raise NotPossible("A proposal is made of the packages of a completed run.")
    picked, notes, now = _picked(run, solutions), notes.strip(), timezone.now()
    number = run.proposals.count() + 1
    data = proposal_data(
        run=run,
        solutions=picked,
        chosen=run.chosen,
        notes=notes,
        broker=actor.shown_name,
        agency=agency_words(),
        number=number,
        now=now,
    )
    typeset, pdf = _typeset(data, now)
    proposal = Proposal.objects.create(
        run=run,
        number=number,
        chosen=run.chosen,
        notes=notes,
        pdf=pdf,
        size=len(pdf),
        sha256=hashlib.sha256(pdf).hexdigest(),
        replaced=typeset.replaced[:200],
        made_by=actor,
        made_at=now,
    )
    _keep_parts(proposal, picked, typeset.pages())
    return proposal


def never_proposed(run: Run) -> list[Solution]:
    """The packages that no proposal may hold: a premium of theirs was quoted by no carrier."""
    supposed = supposed_premiums(run)
    if not supposed:
        return []
    rows = run.solutions.prefetch_related("lines__carrier").defer("scorecard")
    return [each for each in rows if supposed.in_package(each)]


def _picked(run: Run, solutions: Sequence[Solution]) -> list[Solution]:
    """The packages with their lines: the chosen one first, then Nexio's order."""
    wanted = {solution.pk for solution in solutions}
    supposed = supposed_premiums(run)
    there = list(run.solutions.prefetch_related("lines__carrier"))
    picked = [each for each in there if each.pk in wanted]
    if len(picked) != len(wanted):
        raise NotPossible("One of these packages belongs to another run.")
    for each in picked:
        if words := supposed.words_for(each):
            raise NotPossible(
                f"{str(each).capitalize()} goes into no proposal. {words}. Once the carrier "
                "confirms, enter its quote and run again."
            )
    _check_count(len(picked), len(there) - sum(bool(supposed.in_package(each)) for each in there))
    picked.sort(key=lambda solution: solution.pk != run.chosen_id)
    return picked


def _typeset(data: dict[str, Any], now: datetime) -> tuple[Typeset, bytes]:
    """The document with its PDF. The logo is the one part that is not text: a picture that typst
    cannot read costs no proposal."""
    try:
        typeset = Typeset("proposal.typ", data, at=now)
        return typeset, typeset.pdf()
    except NotTypeset:
        if "logo" not in data["agency"]:
            raise
        log.warning("agency_logo_not_typeset")
    typeset = Typeset("proposal.typ", {**data, "agency": without_logo(data["agency"])}, at=now)
    return typeset, typeset.pdf()


def _keep_parts(proposal: Proposal, picked: Sequence[Solution], pages: Sequence[bytes]) -> None:
    """What the proposal holds by letter, and its pages as pictures."""
    ProposalOption.objects.bulk_create(
        ProposalOption(proposal=proposal, position=place, solution=solution)
        for place, solution in enumerate(picked)
    )
    ProposalPage.objects.bulk_create(
        ProposalPage(proposal=proposal, number=place, png=png)
        for place, png in enumerate(pages, start=1)
    )


def _check_count(picked: int, there: int) -> None:
    """`there` is how many packages of the run may be proposed at all."""
    fewest = min(FEWEST_OPTIONS, there)
    if not fewest <= picked <= MOST_OPTIONS:
        said = "Tick two to four packages" if fewest == FEWEST_OPTIONS else "Tick the package"
        raise NotPossible(f"{said} for the proposal; {picked} {'is' if picked == 1 else 'are'}.")


def deliver_proposal(
    *, proposal: Proposal, actor: User, said: Said, version: int | None = None
) -> list[DecisionEvent]:
    """Record that the insured got this proposal: all its packages are shown with it.

    Raises NotPossible as `decisions.mark_shown` does.
    """
    options = proposal.options.select_related("solution")
    return mark_shown(
        run=proposal.run,
        solutions=[option.solution for option in options],
        actor=actor,
        said=said,
        proposal=proposal,
        version=version,
    )
