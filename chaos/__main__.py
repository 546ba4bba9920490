"""`python -m chaos`: a storm on each database, a table of each, and figures as JSON."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from brokerportal.environment import Environment
from chaos.databases import NotHere, throwaway

DATABASES = ("sqlite", "postgresql")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("var/chaos"), help="for all it keeps")
    parser.add_argument("--database", choices=DATABASES, action="append", help="only this one")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=36, help="at least so many")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if not 1 <= options.runs <= 1500 or options.kills < 0:
        parser.error("from 1 to 1500 runs, and no fewer than 0 kills")
    ended = 0
    for kind in options.database or DATABASES:
        folder = (options.folder / kind).resolve()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        try:
            with throwaway(kind, folder) as url:
                print(f"Storm on {kind}: some minutes. Logs and journal: {folder}", flush=True)
                ended |= _storm(kind, url, folder, options)
        except NotHere as why:
            print(f"No storm on {kind}: {why}", flush=True)
            ended |= 2
    return ended


def _storm(kind: str, url: str, folder: Path, options: argparse.Namespace) -> int:
    """In a process of its own: one process of Django's has one database."""
    figures = options.folder.resolve() / f"{kind}.json"
    command = [
        sys.executable, "-m", "chaos.once", "--name", kind, "--folder", str(folder),
        "--figures", str(figures), "--runs", str(options.runs), "--kills", str(options.kills),
        "--seed", str(options.seed),
    ]  # fmt: skip
    env = {**without_settings(os.environ), "DATABASE_URL": url, "DATA_DIR": str(folder)}
    return subprocess.run(command, env=env, check=False).returncode  # noqa: S603


def without_settings(env: Mapping[str, str]) -> dict[str, str]:
    """The environment without the app's settings: no storm on the caller's queue or mail server."""
    return {name: value for name, value in env.items() if name not in Environment.model_fields}


if __name__ == "__main__":
    sys.exit(main())
