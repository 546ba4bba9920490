"""What lies on one broker's desk today, the same on top of few runs and of many.

Made by the app's own code: households with quotes that end soon, comparisons under way, answered
with packages, and gone wrong. So the pages that are measured on several sizes are equally full.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from bench import seed_runs
from bench.loading import analyze
from bench.results_page import completed_run, household
from quotes.models import Insured, Run, User
from quotes.services.dashboard.keeping import keep_days, keep_months
from tests import runs as made

HOUSEHOLDS = 12
UNDER_WAY = 4
WRONG = 4
PACKAGES = 20
FEW = 6
"""As many as the reply that the guide shows (`solutions_count`)."""
NAME = "Benchmark Desk"


def fill(runs: int, until: datetime) -> None:
    """Seed so many runs, and the desk of the first broker, its own on top."""
    people = seed_runs.seed(runs, until=until)
    if wrong := seed_runs.check():
        raise SystemExit(f"The seed is not what the app would write: {wrong[0]}")
    lay(people.brokers[0])
    # As a worker does after its start.
    keep_months(timezone.now(), most=None)
    keep_days(timezone.now(), most=None)
    analyze()


def lay(broker: User, households: int = HOUSEHOLDS) -> None:
    for number in range(households):
        insured = household(broker, f"{NAME} {number}", ends_in=timedelta(days=2 + number % 5))
        completed_run(insured, broker, FEW if number == 1 else PACKAGES)
        if number < UNDER_WAY:
            made.waiting_run(broker, insured=insured)
        elif number < UNDER_WAY + WRONG:
            made.rejected_run(broker, insured=insured)


def insured_on(broker: User, number: int = 0) -> Insured:
    """A household with six carriers' quotes, a run of 20 packages and one under way; the next one
    has a run of six packages."""
    return Insured.objects.get(owner=broker, applicant_name=f"{NAME} {number}")


def run_with_packages(broker: User, number: int = 0) -> Run:
    return Run.objects.get(insured=insured_on(broker, number), state="completed")


def run_under_way(broker: User) -> Run:
    return Run.objects.get(insured=insured_on(broker), state="waiting")
