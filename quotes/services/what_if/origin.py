"""Where a what-if came from, and which of its premiums no carrier quoted.

A premium that was supposed may be looked at inside the office. It must not reach an insured as if
a carrier stood behind it, so whatever decides on a package or leaves the house asks here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone

from quotes.models import Run, RunEvent, Solution, SolutionLine, User
from quotes.models.prepared import may_have, prepared
from quotes.models.run import RunQuerySet
from quotes.services import comparison
from quotes.services.comparison import Sent, in_words, line_word
from quotes.services.money import dollars

SENT, SENT_AS = "what_if", "what_if_sent"
"""The kinds of the events that link the two runs: on the new one, and on the one it came from."""
SENT_LITERAL = RawSQL(f"'{SENT}'", ())  # noqa: S611 - ours
"""As a literal: by a parameter SQLite finds no index that is of this kind alone."""
IS_WHAT_IF = Exists(RunEvent.objects.filter(run=OuterRef("pk"), kind=SENT_LITERAL))
"""For queries over runs: whether one is a what-if, or was sent again from one."""
MOST_NAME = 60
"""Characters of a carrier's name in a sentence; the whole of it stands with the package."""


@dataclass(frozen=True)
class Origin:
    """The run a what-if was made of. `repriced` counts the premiums in it that no carrier quoted,
    those that it took over from a what-if before it as well; `said` is what was changed last."""

    run_id: str
    number: int
    repriced: int
    said: str

    @classmethod
    def told_by(cls, data: Mapping[str, Any]) -> Origin:
        """As the event of kind `SENT` has it."""
        return cls(
            data["run"], data["number"], data.get("supposed", data["repriced"]), data["said"]
        )


@dataclass(frozen=True)
class SupposedPremium:
    """Dollars a year of an offering as supposed, and as quoted: None where nothing was stated."""

    carrier: str
    line: str
    quoted: Decimal | None
    supposed: Decimal | None

    @property
    def words(self) -> str:
        """ "Harbor Mutual home at $4,800 (quoted at $5,120)"."""
        name = " ".join(self.carrier.split()) or "Carrier not stated"
        short = name if len(name) <= MOST_NAME else f"{name[:MOST_NAME]}…"
        quoted = "no premium quoted" if self.quoted is None else f"quoted at {dollars(self.quoted)}"
        return f"{short} {line_word(self.line)} at {dollars(self.supposed)} ({quoted})"


@dataclass(frozen=True)
class SupposedPremiums:
    """The premiums of a run that no carrier quoted, by their offering's id."""

    by_id: Mapping[str, SupposedPremium] = field(default_factory=dict)
    sent: Sent | None = None

    def __bool__(self) -> bool:
        return bool(self.by_id)

    def in_package(self, solution: Solution) -> list[SupposedPremium]:
        """Those a package holds; its lines and their carriers come prefetched."""
        if self.sent is None or not self.by_id:
            return []
        found = [self.sent.offering_of(line) for line in solution.returned]
        ids = dict.fromkeys(str(each.get("id")) for each in found if each is not None)
        return [self.by_id[sent_id] for sent_id in ids if sent_id in self.by_id]

    def of_line(self, line: SolutionLine) -> SupposedPremium | None:
        """A returned line's, where no carrier quoted its premium."""
        offering = None if self.sent is None else self.sent.offering_of(line)
        return None if offering is None else self.by_id.get(str(offering.get("id")))

    def words_for(self, solution: Solution) -> str:
        """ "No carrier quoted Harbor Mutual home at $4,800 (quoted at $5,120)"; "" for none."""
        return not_quoted_words(self.in_package(solution))

    @property
    def words(self) -> str:
        return not_quoted_words(list(self.by_id.values()))


def not_quoted_words(supposed: Sequence[SupposedPremium]) -> str:
    return f"No carrier quoted {in_words([each.words for each in supposed])}" if supposed else ""


def what_if_of(run: Run) -> Origin | None:
    """Where the run came from, if it is a what-if or was sent again from one."""
    event = _sent_event(run)
    return None if event is None else Origin.told_by(event.data)


def _sent_event(run: Run) -> RunEvent | None:
    found: Run | None = run
    while found is not None:
        if may_have(found, "what_if") and (events := _told_of(found.pk)):
            return events[0]
        found = found.resubmission_of
    return None


@prepared
def _told_of(run: UUID) -> QuerySet[RunEvent]:
    return RunEvent.objects.filter(run=run, kind=SENT).order_by("at", "id")[:1]


def supposed_premiums(run: Run) -> SupposedPremiums:
    """The premiums in the run's request that are not those of the run that was last quoted.

    What-ifs may be made of what-ifs: the comparison is with the run at their beginning, so that
    a premium supposed long before counts, and one that was put back does not. An offering keeps
    its id on the way.
    """
    origin = what_if_of(run)
    if origin is None:
        return SupposedPremiums()
    return supposed_in(run.request, run.offering_lines, quoted_request(run))


def supposed_in(
    request: Mapping[str, Any], offering_lines: Mapping[str, str], quoted: Mapping[str, Any]
) -> SupposedPremiums:
    """The premiums of `request` that are not those of `quoted`."""
    before = {str(each.get("id")): each for each in comparison.offerings_sent(quoted)}
    found = {}
    for offering in comparison.offerings_sent(request):
        known = before.get(str(offering.get("id")))
        was = None if known is None else comparison.line_premium(known)
        now = comparison.line_premium(offering)
        if now != was:
            found[str(offering.get("id"))] = SupposedPremium(
                carrier=str(offering.get("provider_name") or ""),
                line=str(offering.get("category") or ""),
                quoted=was,
                supposed=now,
            )
    return SupposedPremiums(found, Sent.of(request, offering_lines) if found else None)


def quoted_request(run: Run) -> Mapping[str, Any]:
    """The request of the run that `run`'s what-ifs began with; its own where it is none."""
    rows = Run.objects.only("id", "request", "resubmission_of")
    found = run
    while (event := _sent_event(found)) is not None:
        found = rows.get(pk=event.data["run"])
    request: Mapping[str, Any] = found.request
    return request


def carry_over(*, run: Run, again: Run, actor: User | None, now: datetime | None = None) -> None:
    """Note on a what-if that is sent again that it is one: whoever lists runs reads one event."""
    event = _sent_event(run)
    if event is not None:
        at = now or timezone.now()
        again.note(at=at, kind=SENT, text=event.text, actor=actor, data=event.data)


def with_origins(rows: RunQuerySet) -> RunQuerySet:
    """The runs with their what-if events at hand, one query for all: see `listed_origin`."""
    events = RunEvent.objects.filter(kind=SENT_LITERAL).only("run", "kind", "data", "at")
    return rows.prefetch_related(Prefetch("events", events, to_attr="what_if_events"))


def add_origins(runs: Sequence[Run]) -> None:
    """As `with_origins`, of runs that were read already, with `IS_WHAT_IF` as `is_what_if`: where
    none is one, nothing is asked."""
    events = defaultdict(list)
    for event in _sent_events([run.pk for run in runs if getattr(run, "is_what_if")]):  # noqa: B009
        events[event.run_id].append(event)
    for run in runs:
        run.what_if_events = events[run.pk]  # type: ignore[attr-defined]


@prepared
def _sent_events(runs: Collection[UUID]) -> QuerySet[RunEvent]:
    return RunEvent.objects.filter(kind=SENT_LITERAL, run__in=runs).only("run", "data", "at")


def origins_of(runs: Iterable[UUID]) -> dict[UUID, Origin]:
    """The origins of those of the runs that are what-ifs, by run; one query."""
    return {run: Origin.told_by(data) for run, data in _sent_of(list(runs))}


@prepared
def _sent_of(runs: Collection[UUID]) -> QuerySet[RunEvent, Any]:
    events = RunEvent.objects.filter(run__in=runs, kind=SENT_LITERAL)
    return events.order_by("-pk").values_list("run", "data")


def listed_origin(run: Run) -> Origin | None:
    """The origin of a run that came from `with_origins`; None for one that did not."""
    events = getattr(run, "what_if_events", ())
    return Origin.told_by(events[0].data) if events else None
