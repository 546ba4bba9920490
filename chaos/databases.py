"""A database for one storm, made for it and thrown away after it."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

SERVER = "CHAOS_DATABASE_URL"
PROGRAMS = Path("/usr/lib/postgresql")


class NotHere(Exception):
    """There is no such database to be had on this machine; the text says why and what would do."""


@contextmanager
def throwaway(kind: str, folder: Path) -> Iterator[str]:
    """The address of an empty database: "sqlite" in `folder`, or "postgresql" on a server.

    That server is the one of CHAOS_DATABASE_URL, or one started for this from the machine's own
    programs. Raises NotHere where there is neither.
    """
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'storm.sqlite3'}"
        return
    server = os.environ.get(SERVER, "")
    found = contextlib.nullcontext(server) if server else _own_server()
    with found as address, _fresh(address) as url:
        yield url


@contextmanager
def _fresh(server: str) -> Iterator[str]:
    name = f"chaos_{uuid.uuid4().hex[:12]}"
    with _connected(server) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        with _connected(server) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )


def _connected(server: str) -> psycopg.Connection:
    try:
        return psycopg.connect(server, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        raise NotHere(f"{SERVER} names a server that does not answer: {error}") from None


@contextmanager
def _own_server() -> Iterator[str]:
    """A cluster in a temporary folder, of the newest PostgreSQL installed here."""
    found = sorted(PROGRAMS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise NotHere(f"no PostgreSQL is installed below {PROGRAMS}; {SERVER} may name a server")
    programs = found[-1].parent
    # It refuses to be run by root.
    user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    data = Path(tempfile.mkdtemp(prefix="chaos-postgresql-"))
    shutil.chown(data, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(program: str, *words: str) -> None:
        subprocess.run(  # noqa: S603
            [programs / program, "-D", data, *words],
            user=user if os.getuid() == 0 else None,
            cwd=data,
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            check=True,
        )

    run("initdb", "-A", "trust", "-U", "postgres", "--no-sync")
    try:
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {data}"
        run("pg_ctl", "-w", "-l", str(data / "log"), "-o", options, "start")
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(data, ignore_errors=True)
