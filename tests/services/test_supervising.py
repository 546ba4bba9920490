"""When a worker takes its cluster for frozen: by its signs of life and a steady clock alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError

from quotes.services.supervising import STALE_AFTER, Life

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Heart:
    """A sign in a database that may be away, and the seconds that pass."""

    def __init__(self) -> None:
        self.sign: datetime | None = None
        self.away = False
        self.seconds = 0.0
        self.life = Life(self.read, stale_after=STALE_AFTER, clock=lambda: self.seconds)

    def read(self) -> datetime | None:
        if self.away:
            raise OperationalError("gone")
        return self.sign

    def goes_on(self, seconds: float, *, beating: bool = False) -> bool:
        """Whether it is ever taken for stale while a quarter of a second after the other pass."""
        stale = False
        for step in range(int(seconds * 4)):
            self.seconds += 0.25
            if beating and step % 20 == 0:
                self.sign = (self.sign or NOON) + timedelta(seconds=5)
            stale = stale or self.life.is_stale()
        return stale


@pytest.fixture
def heart() -> Heart:
    return Heart()


def test_a_new_cluster_has_a_minute_for_its_first_sign(heart: Heart) -> None:
    assert not heart.goes_on(60)
    assert heart.goes_on(2)


def test_the_last_ones_sign_is_none_of_its_own(heart: Heart) -> None:
    heart.sign = NOON
    assert not heart.goes_on(60)
    assert heart.goes_on(2)


def test_it_is_stale_fifteen_seconds_after_the_last_sign(heart: Heart) -> None:
    assert not heart.goes_on(300, beating=True)
    assert not heart.goes_on(10)
    assert heart.goes_on(8)


def test_while_the_database_is_away_no_sign_can_be_written_and_none_is_missed(
    heart: Heart,
) -> None:
    heart.goes_on(30, beating=True)
    heart.away = True
    assert not heart.goes_on(3600)
    heart.away = False
    assert not heart.goes_on(14), "it has its time from when the database is back"
    assert heart.goes_on(4)


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_clock_that_is_moved_is_no_death(heart: Heart, jump: timedelta) -> None:
    heart.goes_on(30, beating=True)
    assert heart.sign is not None
    heart.sign += jump
    assert not heart.goes_on(60, beating=True)
