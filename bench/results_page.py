"""How fast the pages of a completed run are: 200 packages of three lines against 5.

Both runs were sent the same eighteen offerings, so that what differs is the reply alone. A step
is a whole request as the web server handles it, middleware, session and templates included,
without the network. A proposal is made, kept with a picture of every page, and rolled back.
"""

from __future__ import annotations

import json
from argparse import Namespace
from datetime import timedelta
from decimal import Decimal
from itertools import islice, product
from typing import Any

from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bench.timing import Step, circumstances, in_turn, statements, timed, undone
from quotes.models import Insured, Role, Run, User
from quotes.services import intake, reading
from quotes.services.roles import ensure_roles
from tests import runs as made

CARRIERS = (
    "Larkspur Mutual", "Tidewater Casualty", "Copperfield Specialty", "Quillback National",
    "Fernhollow Insurance", "Marrowstone Home & Auto",
)  # fmt: skip
LINES = ("home", "auto", "umbrella")
LIMITS = ("250/500", "100/300", "500 CSL")
LABELS = ("recommended", "best_value", "best_coverage", "simplest")
FEW = 5
GOAL = 3
PDF_GOAL_MS = 1000
BESIDE = ("0", "1", "2", "3")


def household(
    owner: User, name: str = "Benchmark Fiction", ends_in: timedelta = timedelta(days=30)
) -> Insured:
    """Six carriers' quoted packages with all their limits, and the policies in force."""
    ends = str(timezone.localdate() + ends_in)
    today = {"home": 5980, "auto": 5240, "umbrella": 1620}
    value = {
        "applicant": {"name": name},
        "address": {"state": "CA", "zip_code": "92648", "city": "Huntington Beach"},
        "coverage_types": LINES,
        "appetite_bucket": "balanced",
        "current_coverage": {
            line: {"carrier": "Cobblestone Mutual", "annual_premium": premium, **coverage(line, 0)}
            for line, premium in today.items()
        },
        "quotes": [
            {"carrier": carrier, "package_id": f"P-{n}", "quote_expires_at": ends, **lines(n)}
            for n, carrier in enumerate(CARRIERS)
        ],
    }
    document = reading.read_document(json.dumps(value).encode())
    return intake.import_document(document=document, owner=owner).insured


def lines(n: int) -> dict[str, Any]:
    premiums = {"home": 5400 + 210 * n, "auto": 4300 + 130 * n, "umbrella": 900 + 90 * n}
    quoted = {
        line: {"quote_id": f"Q-{line}-{n}", "premium_annual": premium, **coverage(line, n)}
        for line, premium in premiums.items()
    }
    return {**quoted, "package_premium_annual": sum(premiums.values()) - 300}


def coverage(line: str, n: int) -> dict[str, Any]:
    """What a carrier states of a line; it differs from carrier to carrier."""
    dwelling = 1_000_000 + 50_000 * n
    stated: dict[str, dict[str, Any]] = {
        "home": {
            "form": "HO-5" if n % 2 else "HO-3",
            "coverage": {
                "coverage_a_dwelling": dwelling,
                "coverage_b_other_structures": dwelling // 10,
                "coverage_c_contents": dwelling // 2,
                "coverage_e_liability": 300_000 + 200_000 * (n % 2),
                "coverage_f_medical": 5000,
            },
            "deductibles": {"aop": 2500},
            "replacement_cost": "guaranteed",
            "water_backup": 25000,
        },
        "auto": {
            "coverage": {
                "bodily_injury": LIMITS[n % 3],
                "property_damage": 100_000,
                "um_uim": LIMITS[n % 3],
            },
        },
        "umbrella": {
            "limit": 2_000_000,
            "underlying_requirements": {"auto": "250/500", "home": 300_000},
        },
    }
    return stated[line]


def completed_run(insured: Insured, owner: User, packages: int) -> Run:
    """A run answered with so many packages, each three carriers' lines or one's."""
    run = made.waiting_run(owner, insured=insured)
    offered = [[o for o in run.request["offerings"] if o["category"] == line] for line in LINES]
    found = [solution(n, each) for n, each in enumerate(islice(product(*offered), packages))]
    return made.answer(run, {"status": "completed", "solutions": found})


def solution(n: int, offerings: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    cost = sum(each["attributes"]["line_premium_annual"] for each in offerings)
    dimensions = ("coverage", "price", "claims", "service", "stability", "simplicity")
    return {
        "rank": n + 1,
        "cluster_label": LABELS[n] if n < len(LABELS) else "alternative",
        "est_cost_low": cost,
        "est_cost_high": cost + 300 * (n % 2),
        "provider_count": len({each["provider_name"] for each in offerings}),
        "scorecard": {
            "overall_level": Decimal("4.8") - Decimal(n) / 50,
            **{name: (n * 7 + place * 3) % 11 for place, name in enumerate(dimensions)},
        },
        "offerings": list(offerings),
    }


class Browser:
    """A signed-in broker who asks for one page after another."""

    def __init__(self, user: User) -> None:
        self.client = Client(SERVER_NAME="localhost")
        self.client.force_login(user)

    def get(self, name: str, run: Run, query: str = "") -> None:
        reply = self.client.get(reverse(f"quotes:{name}", args=[run.pk]) + query)
        if reply.status_code != 200 or not reply.content:
            raise RuntimeError(f"{name} answered {reply.status_code}")

    def propose(self, run: Run) -> None:
        address = reverse("quotes:run_proposal", args=[run.pk])
        reply = self.client.post(address, {"packages": BESIDE, "notes": "As we spoke of."})
        if reply.status_code != 302:
            raise RuntimeError(f"the proposal answered {reply.status_code}")


def run(options: Namespace) -> dict[str, Any]:
    """Measure, print and return the figures."""
    ensure_roles()
    broker = User.objects.create_user("bench")
    broker.groups.add(Group.objects.get(name=Role.BROKER))
    insured = household(broker)
    few = completed_run(insured, broker, FEW)
    lots = completed_run(insured, broker, options.packages)
    ask = Browser(broker)
    few_name, lots_name = f"{FEW} packages", f"{options.packages} packages"
    all_name, pdf = f"{options.packages} packages on one page", "proposal PDF of four"
    beside = "?" + "&".join(f"pick={place}" for place in BESIDE)
    pages: dict[str, Any] = {
        few_name: lambda: ask.get("run_detail", few),
        lots_name: lambda: ask.get("run_detail", lots),
        all_name: lambda: ask.get("run_detail", lots, "?page=all"),
        "four side by side": lambda: ask.get("run_side_by_side", lots, beside + "&incumbent=1"),
        f"XLSX of {options.packages}": lambda: ask.get("run_export_xlsx", lots),
    }
    steps: dict[str, Step] = {name: _timing(page) for name, page in pages.items()}
    steps[pdf] = lambda: undone(lambda: ask.propose(lots))
    print(f"\nA completed run's pages, {len(LINES)} lines, {circumstances(options.runs)}\n")
    taken = in_turn(steps, options.runs)
    taken.say()
    counts = {name: statements(page) for name, page in pages.items()}
    ratio, least = taken.ratio(lots_name, few_name), taken.ratio_of_least(lots_name, few_name)
    print(f"\n  statements: {', '.join(f'{n} for {name}' for name, n in counts.items())}")
    print(f"  {lots_name} against {few_name}: {ratio:.1f} times the time (goal at most {GOAL})")
    print(f"  the same of the least times, which noise only adds to: {least:.1f}")
    print(f"  all on one page: {taken.ratio(all_name, few_name):.1f} times")
    print(f"  proposal: {taken.median(pdf) * 1000:,.0f} ms (goal below {PDF_GOAL_MS:,})")
    return {
        "packages": [FEW, options.packages],
        **taken.report(),
        "statements": counts,
        "ratio": round(ratio, 2),
        "ratio_of_least": round(least, 2),
        "ratio_on_one_page": round(taken.ratio(all_name, few_name), 2),
        "goal": GOAL,
        "proposal_goal_milliseconds": PDF_GOAL_MS,
    }


def _timing(page: Any) -> Step:
    return lambda: timed(page)
