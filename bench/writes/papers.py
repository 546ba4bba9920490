"""A proposal's PDF taken again: the bytes that were kept, against typesetting it for each request.

A proposal is made once, with a picture of every page, and kept; whoever opens it later gets what
was kept. The straightforward way keeps what it was made of and typesets it when it is asked for.
What making it costs stands beside: that is paid once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bench.results_page import completed_run, household
from bench.writes.growth import OURS, Growth, rolled_back
from quotes.models import Proposal, Role, Run, User
from quotes.services.agency import agency_words
from quotes.services.proposal_content import proposal_data
from quotes.services.proposals import make_proposal
from quotes.services.roles import ensure_roles
from quotes.services.typesetting import Typeset

NOTES = "As we spoke of."


def measure(sizes: Sequence[int], rounds: int) -> Growth:
    ensure_roles()
    broker = User.objects.create_user("bench")
    broker.groups.add(Group.objects.get(name=Role.BROKER))
    insured = household(broker)
    client = Client(SERVER_NAME="localhost")
    client.force_login(broker)
    found = Growth("A proposal's PDF asked for", "packages in it", "typeset anew")
    pages, kilobytes = [], []
    for size in sizes:
        # Of a run with a single package that one alone may be proposed.
        run = completed_run(insured, broker, size)
        kept = make_proposal(
            run=run, solutions=list(run.solutions.all()[:size]), notes=NOTES, actor=broker
        )

        def ours(kept: Proposal = kept) -> None:
            _get(client, kept)

        def fresh(run: Run = run, size: int = size) -> None:
            typeset(run, size, broker)

        def making(run: Run = run, size: int = size) -> None:
            with rolled_back():
                make_proposal(
                    run=run, solutions=list(run.solutions.all()[:size]), notes=NOTES, actor=broker
                )

        found.add(size, {OURS: ours, "typeset anew": fresh, "made and kept, once": making}, rounds)
        pages.append(kept.pages.count())
        kilobytes.append(round(kept.size / 1000))
    found.also |= {"pages": pages, "kilobytes": kilobytes}
    return found


def typeset(run: Run, size: int, broker: User) -> bytes:
    """The PDF worked out from the run as it is stored; without the request around it, which the
    kept way is timed with."""
    run = Run.objects.select_related("insured", "chosen").get(pk=run.pk)
    now = timezone.now()
    data = proposal_data(
        run=run,
        solutions=list(run.solutions.prefetch_related("lines__carrier")[:size]),
        chosen=None,
        notes=NOTES,
        broker=broker.shown_name,
        agency=agency_words(),
        number=1,
        now=now,
    )
    return Typeset("proposal.typ", data, at=now).pdf()


def _get(client: Client, kept: Proposal) -> None:
    reply: Any = client.get(reverse("quotes:proposal_pdf", args=[kept.pk]))
    if reply.status_code != 200 or len(b"".join(reply)) != kept.size:
        raise SystemExit(f"The proposal answered {reply.status_code}.")
