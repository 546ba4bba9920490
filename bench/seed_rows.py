"""The rows of one run as the app would have written them, for `seed_runs`."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from bench.loading import load, next_id
from quotes.models import Carrier, Office, User

CARRIERS = (
    "Larkspur Mutual", "Tidewater Casualty", "Copperfield Specialty", "Quillback National",
    "Harbor Mutual", "Juniper Lloyds", "Old Ferry Fire", "Saltmarsh Indemnity",
    "Bellwether Home", "Northlight Auto", "Plumtree Preferred", "Winterbourne",
)  # fmt: skip
SURNAMES = (
    "Marlow", "Whitcombe", "Aldersey", "Penhallow", "Quennell", "Hathersage", "Tolliver", "Oakes",
    "Brightwater", "Fennimore", "Lockridge", "Sandiford", "Thackeray", "Umberfield", "Venn", "York",
)  # fmt: skip
LABELS = ("best_value", "lowest_cost", "broadest_coverage", "fewest_carriers")
LINES = (("home", "auto"), ("home", "auto", "umbrella"), ("home",), ("auto",))
SPAN_DAYS = 3 * 365
PER_HOUSEHOLD = 5
ENDS = (
    # One in a thousand: how runs end.
    ("completed", "", 900), ("completed", "no_package", 25), ("failed", "failed", 8),
    ("failed", "failed:pipeline_error", 20), ("rejected", "rejected:400", 15),
    ("rejected", "rejected:401", 3), ("submit_unknown", "submit_unknown", 6),
    ("bad_response", "bad_response", 5), ("abandoned", "abandoned", 14), ("waiting", "", 4),
)  # fmt: skip
DECISIONS = (
    ("undecided", 40), ("chosen", 8), ("shown", 9), ("accepted", 8), ("declined", 10),
    ("bound", 25),
)  # fmt: skip


@dataclass(frozen=True)
class Seeded:
    """Whom the rows belong to; with five offices a manager sees a fifth of them."""

    brokers: list[User]
    offices: list[Office]
    manager: User
    admin: User
    carriers: list[Carrier]
    until: datetime


class Batch:
    """Rows of some thousand runs, a list a table."""

    def __init__(self, people: Seeded, chance: random.Random) -> None:
        self.people, self.chance = people, chance
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.owner: User = people.brokers[0]
        self.insured: uuid.UUID = uuid.UUID(int=0)

    def _put(self, table: str, **row: Any) -> None:
        self.rows.setdefault(f"quotes_{table}", []).append(row)

    def _uuid(self) -> uuid.UUID:
        return uuid.UUID(int=self.chance.getrandbits(128), version=4)

    def add(self, number: int, runs: int) -> None:
        at = self.people.until - timedelta(
            seconds=(runs - number) * SPAN_DAYS * 86400 / runs - self.chance.random() * 30
        )
        at = at.replace(microsecond=number % 1_000_000)
        if number % PER_HOUSEHOLD == 0:
            self._household(number, at)
        _RunRows(self, at, number % PER_HOUSEHOLD + 1).put()

    def _household(self, number: int, at: datetime) -> None:
        self.owner = self.chance.choice(self.people.brokers)
        self.insured = self._uuid()
        name = f"{self.chance.choice(SURNAMES)}, Household {number}"
        self._put(
            "insured", id=self.insured, owner_id=self.owner.pk, applicant_name=name,
            street="1 Makebelieve Row", city="Irvine", state="CA", zip_code="92602",
            identity_key=f"seed {number}", document="{}", body_document="{}", origins="{}",
            created_at=at, updated_at=at,
        )  # fmt: skip

    def load(self) -> None:
        # One transaction: a run names its chosen package and a package its run.
        with transaction.atomic():
            for table, rows in self.rows.items():
                load(table, rows)


class _RunRows:
    """All rows of one run."""

    def __init__(self, batch: Batch, at: datetime, number: int) -> None:
        self.batch, self.chance, self.people = batch, batch.chance, batch.people
        self.at, self.number, self.pk = at, number, batch._uuid()
        self.state, self.failure = self._pick([((s, f), w) for s, f, w in ENDS])
        self.lines = self.chance.choice(LINES)
        self.quoted = self.chance.sample(self.people.carriers, self.chance.randint(2, 4))
        self.submitted = at + timedelta(seconds=1)
        self.seconds = round(self.chance.lognormvariate(3.3, 0.5), 3)
        ended = self.state in {"completed", "failed"}
        self.finished = self.submitted + timedelta(seconds=self.seconds) if ended else None
        self.sandbox = self.chance.random() < 0.05
        self.expires = datetime.combine(at.date() + timedelta(days=30), datetime.min.time(), UTC)

    def _pick(self, weighted: Sequence[tuple[Any, int]]) -> Any:
        return self.chance.choices([v for v, _ in weighted], [w for _, w in weighted])[0]

    def put(self) -> None:
        self.premiums = {
            (carrier.pk, line): Decimal(self.chance.randint(400, 6000))
            for carrier in self.quoted
            for line in self.lines
        }
        packages = self._packages() if self.state == "completed" and not self.failure else []
        decision = self._pick(DECISIONS) if packages else "undecided"
        chosen = None
        if decision != "undecided":
            chosen = packages[1 if self.chance.random() < 0.2 else 0]
        first_quote = self.at - timedelta(minutes=self.chance.randint(10, 5000))
        decided = None
        if chosen:
            waited = timedelta(hours=self.chance.randint(1, 200))
            decided = min((self.finished or self.at) + waited, self.people.until)
        self._run(decision, chosen)
        for package in packages:
            self._package(package)
        if chosen:
            self._steps(decision, chosen, decided)
        if self.number == 1:
            self._quotes(first_quote)
        self._fact(decision, packages, chosen, decided, first_quote)
        self._carriers(decision, packages, chosen)

    def _quotes(self, at: datetime) -> None:
        for place, carrier in enumerate(self.quoted):
            pk = uuid.uuid5(self.pk, f"{carrier.pk}")
            self.batch._put(
                "quote", id=pk, insured_id=self.batch.insured, position=place,
                carrier_id=carrier.pk, carrier_name=carrier.name, package_id="", broker="",
                expires_at=self.expires, in_input_quotes=True, document="{}", origins="{}",
                created_at=at, updated_at=at,
            )  # fmt: skip
            for position, line in enumerate(self.lines):
                self.batch._put(
                    "quoteline", id=self._quote_line(carrier, line), quote_id=pk, line=line,
                    position=position, quote_ref=f"{line[:1].upper()}-{self.pk.hex[:10]}",
                    premium_annual=self.premiums[carrier.pk, line], product_name="",
                    offering_id="", document="{}", offering_document="{}", details="{}",
                    origins="{}",
                )  # fmt: skip

    def _quote_line(self, carrier: Carrier, line: str) -> uuid.UUID:
        return uuid.uuid5(self.pk, f"{carrier.pk}{line}")

    def _packages(self) -> list[dict[str, Any]]:
        """Two: the cheapest carrier of each line, and one carrier for all."""
        cheapest = [
            min(self.quoted, key=lambda each: (self.premiums[each.pk, line], each.pk))
            for line in self.lines
        ]
        one = self.chance.choice(self.quoted)
        made = []
        for rank, carriers in ((1, cheapest), (2, [one] * len(self.lines))):
            pairs = zip(carriers, self.lines, strict=True)
            cost = sum((self.premiums[each.pk, line] for each, line in pairs), Decimal(0))
            made.append({"rank": rank, "id": next_id("quotes_solution"), "carriers": carriers,
                         "cost": cost, "label": self.chance.choice(LABELS)})  # fmt: skip
        return made

    def _request(self) -> str:
        offerings = [
            {"id": f"{carrier.pk}-{line}", "category": line, "provider_name": carrier.name,
             "attributes": {"line_premium_annual": int(self.premiums[carrier.pk, line]),
                            "quote_expires_at": self.expires.isoformat()}}
            for carrier in self.quoted for line in self.lines
        ]  # fmt: skip
        current = {
            line: {"carrier": self.people.carriers[0].name, "annual_premium": 2000}
            for line in self.lines
        }
        return json.dumps({"input": {"current_coverage": current}, "offerings": offerings})

    def _run(self, decision: str, chosen: dict[str, Any] | None) -> None:
        sent = self.state not in {"rejected", "submit_unknown", "abandoned"}
        ended = self.state in {"completed", "failed", "rejected", "abandoned"}
        self.degraded = self.state == "completed" and self.chance.random() < 0.03
        self.status = ""
        if sent:
            self.status = "degraded" if self.degraded else self.state
            if self.state in {"waiting", "bad_response"}:
                self.status = "processing"
        self.nexio_id = f"nx-{self.pk.hex[:20]}" if sent else ""
        code = "pipeline_error" if self.failure.endswith("pipeline_error") else ""
        status = {"rejected:400": 400, "rejected:401": 401}.get(self.failure)
        request = self._request()
        offering_lines = {
            f"{carrier.pk}-{line}": str(self._quote_line(carrier, line))
            for carrier in self.quoted for line in self.lines
        }  # fmt: skip
        self.offerings = len(offering_lines)
        self.batch._put(
            "run", id=self.pk, insured_id=self.batch.insured, number=self.number,
            started_by_id=self.batch.owner.pk, state=self.state,
            coverage_types=json.dumps(list(self.lines)), appetite="",
            service_url="https://nexio.invalid", sandbox=self.sandbox, request=request,
            request_body=request.encode(), offering_lines=json.dumps(offering_lines),
            nexio_run_id=self.nexio_id, nexio_status=self.status, stage="", environment="test",
            response="{}" if self.finished else None,
            response_body=b"{}" if self.finished else None,
            diagnostic="", degradation_reason="",
            error="It broke." if self.state == "failed" else "",
            error_code=code, http_status=status, created_at=self.at,
            submitted_at=self.submitted if sent else None, completed_at=None,
            finished_at=(self.finished or self.at) if ended else None,
            attempts=1, polls=3, bad_polls=0, unreachable_polls=0, lease_owner="",
            chosen_id=chosen["id"] if chosen else None, decision=decision,
        )  # fmt: skip

    def _package(self, package: dict[str, Any]) -> None:
        self.batch._put(
            "solution", id=package["id"], run_id=self.pk, position=package["rank"] - 1,
            rank=package["rank"], cluster_label=package["label"], est_cost_low=package["cost"],
            est_cost_high=package["cost"], scorecard="{}",
            provider_count=len({carrier.pk for carrier in package["carriers"]}),
        )  # fmt: skip
        for place, (carrier, line) in enumerate(zip(package["carriers"], self.lines, strict=True)):
            self.batch._put(
                "solutionline", solution_id=package["id"], position=place, category=line,
                carrier_id=carrier.pk, provider_name=carrier.name, product_name="Signature",
                quote_ref=f"{line[:1].upper()}-{self.pk.hex[:10]}",
                offering_id=f"{carrier.pk}-{line}",
                line_premium_annual=self.premiums[carrier.pk, line], matched_by="",
            )  # fmt: skip

    def _steps(self, decision: str, chosen: dict[str, Any], at: datetime | None) -> None:
        common = {
            "run_id": self.pk, "solution_id": chosen["id"], "line": "", "how": "", "note": "",
            "confirmed": "", "actor_id": self.batch.owner.pk, "at": at,
        }  # fmt: skip
        reason = "Keeps the household with one carrier." if chosen["rank"] != 1 else ""
        self.batch._put("decisionevent", kind="chosen", reason=reason, **common)
        if decision == "bound":
            self.batch._put("decisionevent", kind="bound", reason="", **common)

    def _moved(self, chosen: dict[str, Any]) -> Decimal:
        incumbent = self.people.carriers[0].pk
        pairs = zip(chosen["carriers"], self.lines, strict=True)
        return sum((self.premiums[c.pk, ln] for c, ln in pairs if c.pk != incumbent), Decimal(0))

    def _fact(
        self, decision: str, packages: list[dict[str, Any]], chosen: dict[str, Any] | None,
        decided: datetime | None, first_quote: datetime,
    ) -> None:  # fmt: skip
        top = packages[0] if packages else None
        bound = decision == "bound" and chosen is not None
        self.day = timezone.localdate(self.at)
        waited = (self.finished - self.submitted).total_seconds() if self.finished else None
        self.batch._put(
            "runfact", run_id=self.pk, number=self.number, insured_id=self.batch.insured,
            broker_id=self.batch.owner.pk, created_at=self.at, created_on=self.day,
            submitted_at=self.submitted if self.nexio_id else None, state=self.state,
            nexio_status=self.status, nexio_run_id=self.nexio_id, sandbox=self.sandbox,
            degraded=self.degraded, lines=",".join(self.lines), offerings=self.offerings,
            failure=self.failure, waited=waited, packages=len(packages),
            top_label=top["label"] if top else "", top_cost=top["cost"] if top else None,
            top_cost_high=top["cost"] if top else None,
            expires_at=self.expires if packages else None, first_quote_at=first_quote,
            decision=decision, decided_at=decided,
            to_decision=(decided - first_quote).total_seconds() if decided else None,
            overridden=chosen["rank"] != 1 if chosen else None,
            chosen_rank=chosen["rank"] if chosen else None,
            chosen_label=chosen["label"] if chosen else "",
            chosen_cost=chosen["cost"] if chosen else None,
            bound_at=decided if bound else None,
            moved=self._moved(chosen) if chosen is not None and bound else None,
        )  # fmt: skip

    def _carriers(
        self, decision: str, packages: list[dict[str, Any]], chosen: dict[str, Any] | None
    ) -> None:
        parts = {"quoted": self.quoted, "top": packages[0]["carriers"] if packages else []}
        parts["chosen"] = chosen["carriers"] if chosen else []
        parts["bound"] = parts["chosen"] if decision == "bound" else []
        for part, carriers in parts.items():
            for carrier in dict.fromkeys(carriers):
                self.batch._put("runcarrier", run_id=self.pk, carrier_id=carrier.pk,
                                name=carrier.name, part=part, created_on=self.day)  # fmt: skip
