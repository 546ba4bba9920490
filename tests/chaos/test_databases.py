"""A storm's database: made, thrown away, and plainly said where there is none to be had."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection

from chaos import databases
from chaos.__main__ import without_settings
from chaos.databases import NotHere, throwaway
from tests.processes.conftest import database_url


def test_on_sqlite_it_is_a_file_in_the_folder(tmp_path):
    with throwaway("sqlite", tmp_path) as url:
        assert url == f"sqlite:///{tmp_path / 'storm.sqlite3'}"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="asks a PostgreSQL server")
def test_on_a_server_it_is_gone_afterwards_though_somebody_is_connected(monkeypatch, tmp_path, db):
    monkeypatch.setenv("CHAOS_DATABASE_URL", database_url())
    with throwaway("postgresql", tmp_path) as url:
        left_open = psycopg.connect(url)
        assert left_open.execute("SELECT 1").fetchone() == (1,)
    left_open.close()
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)


def test_a_server_that_does_not_answer_is_named_and_its_password_is_not(monkeypatch, tmp_path):
    monkeypatch.setenv("CHAOS_DATABASE_URL", "postgresql://someone:hushhush@127.0.0.1:1/any")
    with (
        pytest.raises(NotHere, match="CHAOS_DATABASE_URL") as raised,
        throwaway("postgresql", tmp_path),
    ):
        pass
    assert "hushhush" not in str(raised.value)


def test_without_a_server_or_programs_it_says_what_would_do(monkeypatch, tmp_path):
    monkeypatch.delenv("CHAOS_DATABASE_URL", raising=False)
    monkeypatch.setattr(databases, "PROGRAMS", tmp_path)
    with (
        pytest.raises(NotHere, match="CHAOS_DATABASE_URL may name a server"),
        throwaway("postgresql", tmp_path),
    ):
        pass


def test_a_storm_goes_by_none_of_the_callers_settings():
    caller = {
        "EMAIL_URL": "smtp://mail.example.com", "QUEUE_URL": "redis://queue.example.com",
        "NEXIO_API_KEY": "nx_live_of_the_caller", "PATH": "/bin", "PGPASSFILE": "/somewhere",
    }  # fmt: skip
    assert without_settings(caller) == {"PATH": "/bin", "PGPASSFILE": "/somewhere"}
