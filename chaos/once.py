"""`python -m chaos.once`: one storm on the empty database that DATABASE_URL names."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from chaos.canaries import KEY
from chaos.peer import Script
from chaos.processes import Peer


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m chaos.once", description=__doc__)
    parser.add_argument("--name", required=True, help="what the database is called in the table")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--figures", type=Path, required=True)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--kills", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()
    script = Script(options.seed, 0.3, (3.0, 20.0), (0.1, 1.0), (0.02, 0.4))
    peer = Peer(options.folder, script)
    try:
        # The settings read the environment once, and the stand-in's address is known only now.
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "chaos.settings",
            "NEXIO_BASE_URL": peer.url,
            "NEXIO_API_KEY": KEY,
            "LOG_LEVEL": "WARNING",
        }
        return _storm(peer, script, options)
    finally:
        peer.stop()


def _storm(peer: Peer, script: Script, options: argparse.Namespace) -> int:
    import django

    django.setup()
    logging.getLogger("django-q").setLevel(logging.WARNING)  # what it says of workers is theirs
    from django.core.management import call_command

    from chaos import report
    from chaos.storm import Plan, Storm

    call_command("migrate", verbosity=0)
    # Kills come every 10 seconds on the average, and runs faster: some start while others end.
    plan = Plan(runs=options.runs, kills=options.kills, load_for=7.5 * options.kills, script=script)
    outcome = Storm(plan, peer, options.folder, {}).run()
    print(f"\n{report.in_words(options.name, outcome)}\n", flush=True)
    report.keep(options.figures, options.name, outcome)
    return 0 if report.passed(outcome) else 1


if __name__ == "__main__":
    sys.exit(main())
