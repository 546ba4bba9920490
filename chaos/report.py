"""What a storm showed: a table to read, and the same as JSON."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chaos.recovery import p95
from chaos.storm import Outcome

MOST_RECOVERY = 45.0
WORDS = {
    "lost": "runs lost",
    "repeated": "submissions repeated that no person acknowledged",
    "illegal": "illegal transitions",
    "stuck": "runs stuck {stuck:.0f} s after calm",
    "missing": "events missing",
    "invented": "claims without ground",
}


@dataclass(frozen=True)
class Goal:
    """A row of the table; `met` says whether it is as it must be."""

    name: str
    found: str
    wanted: str
    met: bool


def goals(outcome: Outcome) -> list[Goal]:
    rows = []
    for goal, words in WORDS.items():
        count = outcome.count(goal)
        rows.append(Goal(words.format(stuck=outcome.plan.stuck_after), str(count), "0", not count))
    waits = outcome.recovery.waits()
    still = outcome.recovery.waiting
    rows.append(
        Goal(
            "recovery, p95",
            f"{p95(waits):.1f} s of {len(waits)}, {still} never",
            f"≤ {MOST_RECOVERY:.0f} s",
            p95(waits) <= MOST_RECOVERY and not still,
        )
    )
    found = outcome.canaries.found
    rows.append(Goal("places with a canary", ", ".join(sorted(found)) or "0", "0", not found))
    rows.append(Goal("processes left over", str(outcome.left_over), "0", not outcome.left_over))
    exits = set(outcome.exits)
    rows.append(Goal("workers' exit status", ", ".join(map(str, outcome.exits)), "0", exits == {0}))
    wanted = set(outcome.plan.kinds)
    dealt = {kill.kind for kill in outcome.recovery.kills}
    if not outcome.plan.in_order:
        rows.append(Goal("kinds of kill", str(len(dealt)), str(len(wanted)), dealt == wanted))
    return rows


def facts(outcome: Outcome) -> dict[str, str]:
    """What the storm was, so that nobody takes a quiet one for proof."""
    exchanges = outcome.exchanges
    posts = [each for each in exchanges if each.method == "POST"]
    kills = Counter(kill.kind for kill in outcome.recovery.kills)
    faulty = sum(bool(each.fault) for each in exchanges)
    rest = "never" if outcome.rest_after is None else f"{outcome.rest_after:.0f} s after calm"
    touched = sum(kill.touched for kill in outcome.recovery.kills)
    longest = max(outcome.recovery.waits(), default=0.0)
    return {
        "runs started": str(outcome.plan.runs),
        "as they ended": ", ".join(f"{n} {name}" for name, n in sorted(outcome.states.items())),
        "requests": f"{len(posts)} submissions, {len(exchanges) - len(posts)} polls",
        "faulty answers": f"{faulty} ({faulty / max(len(exchanges), 1):.0%})",
        "kills": f"{sum(kills.values())}: "
        + ", ".join(f"{n} {kind}" for kind, n in sorted(kills.items())),
        "runs touched by kills": f"{touched}, the longest still for {longest:.1f} s",
        "all at rest": rest,
        "looked for canaries in": ", ".join(
            f"{n} {where}" for where, n in sorted(outcome.canaries.looked.items())
        ),
        "took": f"{outcome.seconds:.0f} s",
    }


def passed(outcome: Outcome) -> bool:
    return all(goal.met for goal in goals(outcome))


def in_words(name: str, outcome: Outcome) -> str:
    """The table, and the first findings of each kind."""
    lines = [f"Chaos on {name}", ""]
    lines += [f"  {what:<24} {value}" for what, value in facts(outcome).items()]
    lines.append("")
    lines += [
        f"  {'ok ' if goal.met else 'NOT'}  {goal.name:<50} {goal.found:<28} {goal.wanted}"
        for goal in goals(outcome)
    ]
    shown: Counter[str] = Counter()
    for finding in outcome.findings:
        shown[finding.goal] += 1
        if shown[finding.goal] <= 5:
            lines.append(f"       {finding.goal}: {finding.run}: {finding.what}")
    return "\n".join(lines)


def keep(path: Path, name: str, outcome: Outcome) -> None:
    kept: dict[str, Any] = {
        "database": name,
        "plan": asdict(outcome.plan),
        "facts": facts(outcome),
        "goals": [asdict(goal) for goal in goals(outcome)],
        "passed": passed(outcome),
        "states": outcome.states,
        "findings": [asdict(finding) for finding in outcome.findings],
        "kills": [asdict(kill) for kill in outcome.recovery.kills],
    }
    path.write_text(json.dumps(kept, indent=2) + "\n")
