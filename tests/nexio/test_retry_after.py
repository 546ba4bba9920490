"""When to come back after a 429 or a 503."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from quotes.nexio import errors
from tests.answers import status
from tests.fake_nexio import FakeNexio
from tests.nexio.wire import failure, fetch, submit


def _date(seconds: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


HEADER_TO_WAIT = [
    ("7", 7), (" 7 ", 7), ("0", 0), ("1.5", 1.5), ("-3", 0), ("900", 900), ("86400", 900),
    ("99999999999999999999", 900), ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
    ("Fri, 31 Dec 9999 23:59:59 GMT", 900),
]  # fmt: skip
UNREADABLE_WAIT = ["", "soon", "NaN", "inf", "1e3", "9" * 5000, "Xyz, 99 Foo 2026", "5 minutes"]


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize(("header", "seconds"), HEADER_TO_WAIT)
def test_retry_after_is_read(fake_nexio: FakeNexio, code: int, header: str, seconds: float):
    fake_nexio.on_submit(status(code, {"message": "slow"}, {"Retry-After": header}))
    error = failure(fake_nexio, submit)
    assert isinstance(error, errors.Throttled)
    assert error.retry_after == seconds
    assert not error.outcome_unknown


def test_retry_after_as_a_date_is_measured_against_the_replys_own_clock(fake_nexio: FakeNexio):
    dates = {"Retry-After": _date(3630), "Date": _date(3600)}
    fake_nexio.on_poll(None, status(429, {}, dates))
    error = failure(fake_nexio, fetch)
    assert isinstance(error, errors.Throttled)
    assert 29 <= error.retry_after <= 31


def test_retry_after_as_a_date_without_the_replys_clock(fake_nexio: FakeNexio):
    fake_nexio.on_submit(status(429, {}, {"Retry-After": _date(60)}))
    error = failure(fake_nexio, submit)
    assert isinstance(error, errors.Throttled)
    assert 30 <= error.retry_after <= 60


@pytest.mark.parametrize("header", UNREADABLE_WAIT)
def test_an_unreadable_retry_after(fake_nexio: FakeNexio, header: str):
    headers = {"Retry-After": header}
    fake_nexio.on_submit([status(429, {}, headers), status(503, {}, headers)])
    error = failure(fake_nexio, submit)
    assert isinstance(error, errors.Throttled)
    assert error.retry_after == errors.DEFAULT_RETRY_AFTER
    assert type(failure(fake_nexio, submit)) is errors.ServerFault


def test_429_without_retry_after_waits_the_default(fake_nexio: FakeNexio):
    fake_nexio.on_poll(None, status(429))
    error = failure(fake_nexio, fetch)
    assert isinstance(error, errors.Throttled)
    assert error.retry_after == 5.0
