"""A run's packages beside what is in force: how they compare, and in how many like for like.

Pure: read from the frozen request and the stored solutions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from quotes.models import Run
from quotes.services.checks import Check
from quotes.services.frozen import Frozen, Option
from quotes.services.like_for_like import Known, Saving, compare_options
from quotes.services.package_checks import check_package
from quotes.services.ranked import Ranking


@dataclass(frozen=True)
class Compared:
    """Every package as an option, by place, with its price difference and likeness.

    `incumbent` is None where nothing is stated of what is in force for the requested lines.
    """

    frozen: Frozen
    incumbent: Option | None
    options: Mapping[int, Option]
    savings: Mapping[int, Saving]

    @property
    def alike(self) -> int:
        """How many packages are like for like with the incumbent."""
        return sum(saving.likeness.alike for saving in self.savings.values())

    @property
    def stated(self) -> bool:
        """Whether anything is stated of the incumbent's coverage."""
        return self.incumbent is not None and any(
            policy.details for policy in self.incumbent.policies.values()
        )

    def checks(self, place: int, now: datetime) -> list[Check]:
        """Our checks of one package, those that need a look first."""
        return check_package(self.options[place], self.frozen, now)


def compare_packages(run: Run, ranking: Ranking) -> Compared:
    """All packages of a completed run beside its incumbent; each offering is compared once."""
    frozen = Frozen(run.request, run.offering_lines, ranking.sent)
    incumbent = frozen.incumbent(ranking.lines)
    options = {each.place: frozen.option(each.solution) for each in ranking.packages}
    beside = incumbent or Option("In force today", {})
    known: Known = {}
    return Compared(
        frozen=frozen,
        incumbent=incumbent,
        options=options,
        savings={
            each.place: Saving(
                each.difference,
                compare_options(options[each.place], beside, ranking.lines, known),
            )
            for each in ranking.packages
        },
    )
