"""``python -m sandbox``: listen on loopback until told to stop."""

import argparse
import errno
import math
import signal
import sqlite3
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from sandbox.api import DEFAULT_SECONDS
from sandbox.chaos import DEFAULT_RATE
from sandbox.server import SandboxServer, open_server

DEFAULT_PORT = 8787


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 stopped by a signal, 2 a wrong option or an address or file not to be had."""
    options = _parser().parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        server = open_server(
            options.host,
            options.port,
            db=options.db,
            seconds=options.seconds,
            chaos_seed=options.chaos_seed,
            chaos_rate=DEFAULT_RATE if options.chaos or options.chaos_seed is not None else 0.0,
            verbose=options.verbose,
        )
    except sqlite3.Error as error:
        return _refuse(f"cannot use the state file {options.db}: {error}")
    except OSError as error:
        where = f"{options.host}:{options.port}"
        if error.errno == errno.EADDRINUSE:
            return _refuse(f"{where} is already in use; choose another with --port")
        return _refuse(f"cannot listen on {where}: {error.strerror or error}")
    try:
        _serve(server, options)
    except SystemExit:
        # A second signal must not break off the closing that the first one asked for.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
    finally:
        server.server_close()
        server.api.store.close()
    return 0


def _serve(server: SandboxServer, options: argparse.Namespace) -> None:
    state = f"state in {options.db}" if options.db else "state in memory"
    chaos = ", with chaos" if server.chaos else ""
    print(
        f"Nexio sandbox on {server.url} (runs take {options.seconds:g} s, {state}{chaos})",
        flush=True,
    )
    server.serve_forever(poll_interval=0.2)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _refuse(message: str) -> int:
    print(f"sandbox: {message}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="A stand-in for the Nexio ranking service, for trying and testing.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address (default: loopback only)")
    parser.add_argument("--port", type=_port, default=DEFAULT_PORT, help="0 takes a free one")
    parser.add_argument("--db", type=Path, help="state file; without it state is in memory")
    parser.add_argument(
        "--seconds", type=_seconds, default=DEFAULT_SECONDS, help="how long a run takes"
    )
    parser.add_argument("--chaos", action="store_true", help="faults on a share of all requests")
    parser.add_argument("--chaos-seed", type=int, help="the same faults again; implies --chaos")
    parser.add_argument("--verbose", action="store_true", help="log method, path and status")
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError("must be from 0 to 65535")
    return port


def _seconds(text: str) -> float:
    seconds = float(text)
    if not math.isfinite(seconds) or seconds < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
