"""Proposals: made as a tagged PDF, kept byte for byte, and delivered."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

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
from quotes.services.agency import agency_words
from quotes.services.decisions import NotPossible, Said, mark_shown
from quotes.services.proposal_content import proposal_data
from quotes.services.typesetting import NotTypeset, Typeset

log = structlog.get_logger(__name__)
FEWEST_OPTIONS, MOST_OPTIONS = 2, 4


@transaction.atomic
def make_proposal(*, run: Run, solutions: Sequence[Solution], notes: str, actor: User) -> Proposal:
    """Set a proposal of two to four packages of a completed run, the chosen one first.

    Where the run has a single package, that one alone. Raises NotPossible for another number,
    a package of another run, or a run that is not completed. The row is never changed again.
    """
    run = (
        Run.objects.select_for_update(of=("self",))
        .select_related("insured", "chosen")
        .defer("request_body", "response_body", "response")
        .get(pk=run.pk)
    )
    if run.state != RunState.COMPLETED:
        raise NotPossible("A proposal is made of the packages of a completed run.")
    wanted = {solution.pk for solution in solutions}
    rows = run.solutions.prefetch_related("lines__carrier")
    picked = list(rows.filter(pk__in=wanted))
    if len(picked) != len(wanted):
        raise NotPossible("One of these packages belongs to another run.")
    _check_count(len(picked), run.solutions.count())
    # Nexio's order, but for the chosen one.
    picked.sort(key=lambda solution: solution.pk != run.chosen_id)
    now = timezone.now()
    number = run.proposals.count() + 1
    data = proposal_data(
        run=run,
        solutions=picked,
        chosen=run.chosen,
        notes=notes.strip(),
        broker=actor.shown_name,
        agency=agency_words(),
        number=number,
        now=now,
    )
    try:
        typeset, pdf = _set(Typeset("proposal.typ", data, at=now))
    except NotTypeset:
        # The logo is the one part that is not text: a picture typst cannot read costs no proposal.
        if "logo" not in data["agency"]:
            raise
        log.warning("agency_logo_not_typeset")
        data["agency"] = {k: v for k, v in data["agency"].items() if not k.startswith("logo")}
        typeset, pdf = _set(Typeset("proposal.typ", data, at=now))
    proposal = Proposal.objects.create(
        run=run,
        number=number,
        chosen=run.chosen,
        notes=notes.strip(),
        pdf=pdf,
        size=len(pdf),
        sha256=hashlib.sha256(pdf).hexdigest(),
        replaced=typeset.replaced[:200],
        made_by=actor,
        made_at=now,
    )
    ProposalOption.objects.bulk_create(
        ProposalOption(proposal=proposal, position=place, solution=solution)
        for place, solution in enumerate(picked)
    )
    ProposalPage.objects.bulk_create(
        ProposalPage(proposal=proposal, number=place, png=png)
        for place, png in enumerate(typeset.pages(), start=1)
    )
    return proposal


def _set(typeset: Typeset) -> tuple[Typeset, bytes]:
    return typeset, typeset.pdf()


def _check_count(picked: int, there: int) -> None:
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
