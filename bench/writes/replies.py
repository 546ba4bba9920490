"""A reply's packages stored, against one `save()` for each package and each line.

The straightforward way looks a carrier up by its name and a quote line up by its key for each
line, saves each row by itself, and works the run's facts out from what it has just written, as
the app itself would where nobody hands it the rows. Both are held to have written the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice, product
from typing import Any

from django.contrib.auth.models import Group
from django.utils import timezone

from bench.results_page import LINES, household, solution
from bench.timing import statements
from bench.writes.growth import OURS, Growth, rolled_back
from quotes.models import Carrier, QuoteLine, Role, Run, Solution, SolutionLine, User
from quotes.nexio.client import Reply
from quotes.nexio.messages import JobReply
from quotes.services import outcomes, results, run_facts
from quotes.services.roles import ensure_roles
from tests import runs as made

COMPARED = (
    "solution__position", "position", "category", "provider_name", "carrier", "product_name",
    "quote_ref", "offering_id", "line_premium_annual", "quote_line", "matched_by",
)  # fmt: skip


def measure(sizes: Sequence[int], rounds: int) -> Growth:
    ensure_roles()
    broker = User.objects.create_user("bench")
    broker.groups.add(Group.objects.get(name=Role.BROKER))
    run = made.waiting_run(broker, insured=household(broker))
    Run.objects.filter(pk=run.pk).update(lease_owner=made.LEASE)
    found = Growth("A reply's packages of three lines stored", "packages", "one by one")
    counts, ends = [], []
    for size in sizes:
        reply = _reply(run, size)
        if _written(many_together, run, reply) != _written(one_by_one, run, reply):
            raise SystemExit("The two ways of storing a reply wrote different rows.")

        def ours(reply: Reply[JobReply] = reply) -> None:
            with rolled_back():
                many_together(run, reply.message)

        def straight(reply: Reply[JobReply] = reply) -> None:
            with rolled_back():
                one_by_one(run, reply.message)

        def whole(reply: Reply[JobReply] = reply) -> None:
            with rolled_back():
                outcomes.poll_answered(_read(run), reply, lease=made.LEASE, now=timezone.now())

        ways = {OURS: ours, "one by one": straight, "ours, with all an end brings": whole}
        found.add(size, ways, rounds)
        counts.append(statements(ours))
        ends.append(statements(whole))
    found.also["statements"] = counts
    found.also["statements_of_an_end"] = ends
    return found


def many_together(run: Run, reply: JobReply) -> None:
    """Our way, with the run's facts, as the end of a run is stored."""
    run_facts.ended([run], results.store_solutions([results.Ranked(run, reply)]))


def one_by_one(run: Run, reply: JobReply) -> None:
    """The straightforward way; it leaves the rows that `many_together` leaves."""
    lines = run.offering_lines
    for position, message in enumerate(reply.solutions):
        package = Solution.objects.create(
            run=run,
            position=position,
            rank=message.rank,
            cluster_label=message.cluster_label or "",
            overall_level=message.overall_level,
            provider_count=message.provider_count,
            est_cost_low=message.est_cost_low,
            est_cost_high=message.est_cost_high,
            scorecard=message.scorecard,
        )
        for place, offering in enumerate(message.offerings):
            quoted = QuoteLine.objects.filter(pk=lines.get(offering.id or "")).first()
            SolutionLine.objects.create(
                solution=package,
                position=place,
                category=offering.category or "",
                provider_name=offering.provider_name or "",
                carrier=Carrier.objects.named(offering.provider_name or ""),
                product_name=offering.product_name or "",
                quote_ref=offering.quote_id or "",
                offering_id=offering.id or "",
                line_premium_annual=offering.line_premium_annual,
                quote_line=quoted,
                matched_by="id" if quoted else "",
            )
    run_facts.refresh(run.pk)


def _reply(run: Run, packages: int) -> Reply[JobReply]:
    """So many packages; beyond 216 the carriers come round again."""
    offered = [[o for o in run.request["offerings"] if o["category"] == line] for line in LINES]
    chosen = islice(cycle(product(*offered)), packages)
    value: dict[str, Any] = {
        "run_id": run.nexio_run_id,
        "status": "completed",
        "environment": "test",
        "solutions": [solution(n, each) for n, each in enumerate(chosen)],
    }
    return made.reply_of(JobReply, value)


def _read(run: Run) -> Run:
    """As the watcher has it when the reply comes: without the documents."""
    return Run.objects.defer("request", "request_body", "response", "response_body").get(pk=run.pk)


def _written(store: Any, run: Run, reply: Reply[JobReply]) -> list[Any]:
    with rolled_back():
        store(run, reply.message)
        rows = SolutionLine.objects.filter(solution__run=run).order_by(*COMPARED[:2])
        packages = run.solutions.order_by("position")
        return [
            *rows.values_list(*COMPARED),
            *packages.values_list("position", "rank", "cluster_label", "est_cost_low", "scorecard"),
        ]
