"""A made-up past for the demo, so that lists and figures have something to say on the first day.

The households are two brokers' who are not on the tour. Every step is taken by the services the
app itself uses, at its own moment; only Nexio's replies are invented here. Nothing of it is random:
two machines show the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import simplejson
from django.db import transaction
from django.utils import timezone

from quotes.models import DecisionKind, Insured, NexioService, Notice, Quote, Run, User
from quotes.nexio import errors
from quotes.nexio.client import Reply
from quotes.nexio.messages import Accepted, JobReply
from quotes.services import decisions, intake, outcomes, reading, runs
from quotes.services.decision_step import Said
from quotes.services.origins import How, Origin

FIRST = ("Odette", "Casper", "Imogen", "Lucian", "Perpetua", "Rufus", "Sunniva", "Tobiah")
LAST = ("Fabledale", "Inkwell", "Madeup", "Nowhere", "Pretend", "Storybrook", "Tallow", "Yarn")
CARRIERS = (
    "Larkspur Mutual", "Quillfeather Insurance", "Alder & Pine", "Saltmarsh Home Underwriters",
    "Harbor Mutual",
)  # fmt: skip
INCUMBENTS = ("Bluebell Farm Mutual", "Cobblestone Mutual", "Tumbleweed Auto Club")
LINES = (("home", "auto"), ("home", "auto", "umbrella"), ("auto",), ("home",))
BASE = {"home": 3100, "auto": 2750, "umbrella": 620}
LABELS = ("recommended", "best_value", "best_coverage", "simplest")
APPETITES = ("balanced", "cost_sensitive", "coverage_first")
HOUSEHOLDS = 32
DAYS = 84
"""The past goes back so far."""
MOST_PACKAGES = 6
HOLDS_DAYS = 40
LEASE = "demo"
KEEP_CARRIER = "The insured wants to stay with the carrier that handled the claim of last year."
ONE_BILL = "One carrier, one bill: the insured asked for a single package."
HIGHER_LIMITS = "The insured preferred the higher limits for the difference in price."
DEDUCTIBLE = "The first rank has a wind deductible of 2 %, which the insured will not carry."
PATHS: tuple[tuple[int, str, tuple[str, ...]], ...] = (
    # Place of the chosen package from 0, the reason, and the steps after the choice.
    (0, "", ("shown", "accepted", "bound")),
    (1, KEEP_CARRIER, ("shown", "accepted", "bound")),
    (0, "", ("shown",)),
    (0, "", ("shown", "declined")),
    (1, ONE_BILL, ("shown", "accepted", "bound")),
    (0, "", ()),
    (-1, "", ()),
    (0, "", ("shown", "accepted", "bound")),
    (2, DEDUCTIBLE, ("shown", "accepted")),
    (1, ONE_BILL, ("shown",)),
    (0, "", ("shown", "accepted")),
)
ENDS = {5: "failed", 12: "no package", 19: "refused"}
"""How some of the households' runs ended, by household; all others were ranked."""


@dataclass(frozen=True)
class _Past:
    """One household and its run: when it began, and who the broker is."""

    number: int
    began: datetime
    broker: User

    @property
    def lines(self) -> tuple[str, ...]:
        return LINES[self.number % len(LINES)]

    def after(self, **by: int) -> datetime:
        """So long after it began, but never in the future."""
        return min(self.began + timedelta(**by), timezone.now())


@transaction.atomic
def load_history(brokers: Sequence[User]) -> int:
    """Give these brokers a past, the oldest run `DAYS` ago; the number of runs.

    None where there are runs already.
    """
    if Run.objects.exists():
        return 0
    for past in _pasts(brokers, timezone.localdate()):
        run = _start(past)
        end = ENDS.get(past.number, "")
        if end == "refused":
            _refuse(run, past)
        else:
            _accept(run, past)
            _finish(run, past, end)
        if not end:
            _decide(_fresh(run), past)
    # Old news: what is said of the demo's first day should be of that day.
    Notice.objects.filter(user__in=brokers, read_at=None).update(read_at=timezone.now())
    return Run.objects.count()


def _pasts(brokers: Sequence[User], today: date) -> Iterator[_Past]:
    for number in range(HOUSEHOLDS):
        day = today - timedelta(days=1 + (HOUSEHOLDS - 1 - number) * (DAYS - 1) // HOUSEHOLDS)
        moment = time(9 + number * 5 % 8, number * 17 % 60, number * 7 % 60)
        began = timezone.make_aware(datetime.combine(day, moment))
        yield _Past(number, began, brokers[number * 3 // 2 % len(brokers)])


def _start(past: _Past) -> Run:
    raw = simplejson.dumps(_document(past), use_decimal=True).encode()
    taken = intake.import_document(
        document=reading.read_document(raw),
        owner=past.broker,
        origin=Origin(How.IMPORTED, where="an invented past"),
    )
    entered = past.began - timedelta(hours=1 + past.number % 30)
    Insured.objects.filter(pk=taken.insured.pk).update(created_at=entered)
    Quote.objects.filter(insured=taken.insured).update(created_at=entered)
    return runs.start_run(
        insured=taken.insured,
        coverage_types=past.lines,
        started_by=past.broker,
        lease=LEASE,
        hint=False,
        at=past.began,
    )


def _document(past: _Past) -> dict[str, Any]:
    """A household with the quotes of three or four carriers."""
    n = past.number
    first, last = FIRST[n % len(FIRST)], LAST[(n + n // len(FIRST)) % len(LAST)]
    ends = timezone.localdate(past.began) + timedelta(days=HOLDS_DAYS)
    carriers = [CARRIERS[(n + step) % len(CARRIERS)] for step in range(3 + n % 2)]
    return {
        "applicant": {"name": f"{first} {last}"},
        "address": {
            "street": f"{100 + n} Invented Lane", "city": "Austin", "state": "TX",
            "zip_code": "78704",
        },
        "coverage_types": list(past.lines),
        "appetite_bucket": APPETITES[n % len(APPETITES)],
        "effective_date": (ends + timedelta(days=20)).isoformat(),
        "current_coverage": {
            line: {
                "carrier": INCUMBENTS[(n + place) % len(INCUMBENTS)],
                "annual_premium": BASE[line] + 340 - n * 37 % 500,
            }
            for place, line in enumerate(past.lines)
        },
        "quotes": [
            {
                "carrier": carrier,
                "package_id": f"invented_{n}_{place}",
                "quote_expires_at": ends.isoformat(),
                **{line: _line(line, n, place) for line in past.lines},
            }
            for place, carrier in enumerate(carriers)
        ],
    }  # fmt: skip


def _line(line: str, n: int, place: int) -> dict[str, Any]:
    premium = BASE[line] + (n * 53 + place * 137 + len(line) * 71 * place) % 900 - 300
    coverage: Mapping[str, dict[str, Any]] = {
        "home": {
            "coverage_a_dwelling": 420_000 + 5_000 * (n % 9), "coverage_e_liability": 300_000,
        },
        "auto": {"bodily_injury": ("100/300", "250/500")[place % 2], "property_damage": 100_000},
        "umbrella": {"limit": 1_000_000},
    }  # fmt: skip
    stated: dict[str, Any] = {
        "quote_id": f"inv-{n}-{place}-{line}",
        "premium_annual": premium,
        "coverage": coverage[line],
    }
    if line == "home":
        stated["deductibles"] = {"aop": 2500, "wind_hail": ("1%", "2%")[place % 2]}
    if line == "umbrella":
        stated["required_underlying"] = {
            "auto_bodily_injury": "250/500", "home_coverage_e_liability": 300_000,
        }  # fmt: skip
    return stated


def _fresh(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def _refuse(run: Run, past: _Past) -> None:
    outcomes.begin_submission(run, lease=LEASE, now=past.began)
    service, _ = NexioService.objects.get_or_create(base_url=run.service_url)
    said = errors.Refused(
        "Nexio refused the request.",
        http_status=400,
        body=b"{}",
        code="invalid_request",
        nexio_message="input.coverage_types does not fit the offerings",
    )
    outcomes.submission_failed(run, said, service=service, now=past.after(seconds=1))


def _accept(run: Run, past: _Past) -> None:
    outcomes.begin_submission(run, lease=LEASE, now=past.began)
    value = {"run_id": f"demo-{past.number:03d}", "status": "queued"}
    outcomes.submission_accepted(run, _reply(Accepted, value, 202), now=past.after(seconds=1))


def _finish(run: Run, past: _Past, end: str) -> None:
    run = _fresh(run)
    seconds = 14 + past.number * 29 % 75
    value: dict[str, Any] = {"run_id": run.nexio_run_id, "environment": "test"}
    if end == "failed":
        value |= {"status": "failed", "error": "EVALUATE_TIMEOUT"}
    else:
        found = [] if end == "no package" else _solutions(run, past)
        value |= {"status": "completed", "solutions": found}
    Run.objects.filter(pk=run.pk).update(lease_owner=LEASE)
    run.refresh_from_db()
    outcomes.poll_answered(
        run, _reply(JobReply, value, 200), lease=LEASE, now=past.after(seconds=seconds)
    )


def _reply(kind: Any, value: dict[str, Any], http_status: int) -> Reply[Any]:
    body = simplejson.dumps(value, use_decimal=True).encode()
    message = kind.read(simplejson.loads(body, use_decimal=True))
    return Reply(elapsed_ms=80, http_status=http_status, body=body, message=message)


def _solutions(run: Run, past: _Past) -> list[dict[str, Any]]:
    """The cheapest packages of what was sent, labelled as Nexio labels them."""
    offered = [[o for o in run.request["offerings"] if o["category"] == x] for x in past.lines]
    packages = sorted(product(*offered), key=_cost)[:MOST_PACKAGES]
    return [
        {
            "rank": place + 1,
            "cluster_label": LABELS[place] if place < len(LABELS) else "alternative",
            "provider_count": len({each["provider_name"] for each in package}),
            "est_cost_low": _cost(package),
            "est_cost_high": _cost(package),
            "scorecard": {
                "overall_level": Decimal("4.6") - Decimal(place) / 4,
                "price": 10 - place,
                "coverage": 5 + (past.number + place * 2) % 5,
                "carrier_strength": 6 + (past.number * 3 + place) % 4,
            },
            "offerings": list(package),
        }
        for place, package in enumerate(packages)
    ]


def _cost(package: Sequence[Mapping[str, Any]]) -> Decimal:
    return sum((Decimal(o["attributes"]["line_premium_annual"]) for o in package), Decimal(0))


def _decide(run: Run, past: _Past) -> None:
    """As far as its path goes, a step a day; not beyond today."""
    place, reason, steps = PATHS[past.number % len(PATHS)]
    if place < 0:
        return
    found = list(run.solutions.all())
    solution = found[min(place, len(found) - 1)]
    one_bill_fits = len(past.lines) > 1 and len(solution.carriers) == 1
    if (reason == ONE_BILL and not one_bill_fits) or (
        reason == DEDUCTIBLE and "home" not in past.lines
    ):
        reason = HIGHER_LIMITS
    decisions.choose_solution(
        run=run,
        solution=solution,
        actor=past.broker,
        reason=reason if solution.rank != 1 else "",
        at=past.after(hours=2 + past.number % 20),
    )
    for days, step in enumerate(steps, 1):
        at = past.began + timedelta(days=days * 2)
        if at > timezone.now():
            return
        _take(run, step, solution, at, past.broker)


def _take(run: Run, step: str, solution: Any, at: datetime, broker: User) -> None:
    said = Said(on=timezone.localdate(at))
    if step == "shown":
        said = Said(on=said.on, how="in_person")
        decisions.mark_shown(run=run, solutions=[solution], actor=broker, said=said, at=at)
        return
    if step == "declined":
        said = Said(
            on=said.on, how="phone", reason="Stays where they are: the saving is too small."
        )
    decisions.record_answer(
        run=run, kind=DecisionKind(step), actor=broker, said=said, at=at,
    )  # fmt: skip
