"""The key shows nowhere but in its header; addresses and keys are judged before use."""

import logging
import pickle
from typing import Any

import pytest

from quotes.nexio.address import validate_key
from quotes.nexio.client import NexioClient, key_environment, validate_base_url
from tests.answers import (
    Answer,
    close_without_reply,
    endless,
    hang,
    raw,
    redirect,
    reset,
    status,
    truncated,
    wire_bytes,
)
from tests.fake_nexio import FakeNexio
from tests.nexio.wire import BODY, KEY, RUN, SHORT, client, failure, fetch, submit, with_client

ECHO = {"code": KEY, "message": f"unknown key {KEY}", "details": {"authorization": f"Bearer {KEY}"}}
ECHOES = {
    "refusal": status(401, ECHO),
    "former envelope": status(400, {"error": ECHO}),
    "throttled": status(429, ECHO),
    "fault": status(500, ECHO),
    "not JSON": raw(200, b"<html>" + KEY.encode()),
    "not JSON, refused": raw(403, b"<html>" + KEY.encode()),
    "broken off in the key": truncated(b'{"message": "' + KEY.encode()[:-3]),
    "cut in the key": raw(400, b" " * (65536 - 10) + KEY.encode() + b" " * 9000),
    "over the cap": raw(202, KEY.encode() * 20_000),
    "no run": status(202, ECHO),
    "redirect": redirect(f"https://example.com/?key={KEY}"),
    "not HTTP": wire_bytes(KEY.encode() + b"\r\n"),
    "endless": endless(1_000_000, code=202),
    "lost": close_without_reply(),
    "reset": reset(),
    "silence": hang(),
}


@pytest.mark.parametrize("answer", ECHOES.values(), ids=ECHOES.keys())
@pytest.mark.parametrize("call", [submit, fetch])
def test_the_key_is_in_no_error_and_no_log(
    fake_nexio: FakeNexio, answer: Answer, caplog: pytest.LogCaptureFixture, call: Any
):
    # The app's settings keep the libraries' own quiet.
    for logger in ("", "httpx", "httpcore", "aiohttp"):
        caplog.set_level(logging.DEBUG, logger=logger)
    fake_nexio.on_submit(answer)
    fake_nexio.on_poll(None, answer)
    settings = SHORT if answer is ECHOES["silence"] else {}
    error = failure(fake_nexio, call, **settings)
    assert fake_nexio.requests[0].headers["authorization"] == f"Bearer {KEY}"
    seen = f"{error!r} {error} {error.__dict__} {error.__cause__} {error.__context__}"
    # Half of it is as bad; what follows the public prefix must not show.
    assert "S3cr3t" not in seen
    assert error.__cause__ is None
    assert error.__context__ is None
    logged = [
        record for record in caplog.records if record.name.startswith(("http", "aiohttp", "quotes"))
    ]
    assert logged or call is fetch  # the transport of polls logs nothing at all
    # A server that writes the key into a Location header writes it into httpcore's debug log,
    # which settings keep silent; nothing else may hold it.
    told = [r for r in logged if "receive_response_headers.complete" not in r.getMessage()]
    assert not [r for r in told if "S3cr3t" in r.getMessage() or "S3cr3t" in str(r.exc_info)]


def test_the_key_is_in_no_log_of_a_run_that_goes_well(
    fake_nexio: FakeNexio, caplog: pytest.LogCaptureFixture
):
    for logger in ("", "httpx", "httpcore"):  # the app's settings keep the last two quiet
        caplog.set_level(logging.DEBUG, logger=logger)

    async def life(nexio: NexioClient) -> None:
        await nexio.fetch((await nexio.submit(BODY)).message.run_id)
        await nexio.check_key()

    with_client(fake_nexio, life)
    assert "httpcore.http11" in {record.name for record in caplog.records}
    assert "S3cr3t" not in caplog.text


def test_a_secret_is_never_pickled_and_a_short_one_is_not_starred_out():
    """Three letters would be hit by chance, all over a reply."""
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(validate_key(KEY))
    assert validate_key("abc").redact(b"the abc of it") == b"the abc of it"


def test_a_key_echoed_in_a_good_reply_is_starred_out(fake_nexio: FakeNexio):
    fake_nexio.on_poll(None, {"run_id": RUN, "status": "failed", "error": f"key {KEY} expired"})
    reply = with_client(fake_nexio, fetch)
    assert reply.message.error == f"key {'*' * len(KEY)} expired"
    assert b"S3cr3t" not in reply.body


def test_the_client_shows_address_and_environment_and_no_key():
    nexio = client("https://nexio.example/prefix/")
    shown = f"{nexio!r} {nexio} {vars(nexio)!r} {validate_key(KEY)!r}"
    assert repr(nexio) == "NexioClient(base_url='https://nexio.example/prefix', environment='test')"
    assert "S3cr3t" not in shown


@pytest.mark.parametrize(
    "key", ["", " ", "nx_test_ab cd", "nx_test_é", "nx_test_a\n", "a\tb", "\x7f"]
)
def test_a_key_that_cannot_be_sent_is_refused_without_naming_it(key: str):
    with pytest.raises(ValueError) as refused:
        NexioClient("https://nexio.example", key)
    assert not key.strip() or key not in str(refused.value)


@pytest.mark.parametrize(
    ("key", "environment"),
    [
        ("nx_test_abc", "test"),
        ("nx_live_abc", "live"),
        ("nx_acme-eu_abc_def", "acme-eu"),
        ("nx_test_", None),
        ("nx_", None),
        ("sk_test_abc", None),
        ("nx_" + "a" * 40 + "_b", None),
        ("", None),
    ],
)
def test_the_environment_of_a_key(key: str, environment: str | None):
    assert key_environment(key) == environment


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://api.usenexio.com", "https://api.usenexio.com"),
        ("https://api.usenexio.com/", "https://api.usenexio.com"),
        ("https://gate.example:8443/nexio/", "https://gate.example:8443/nexio"),
        ("http://localhost:8001", "http://localhost:8001"),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://[::1]:8001/x", "http://[::1]:8001/x"),
        ("https://10.1.2.3:8443", "https://10.1.2.3:8443"),
        ("https://nexio2.example", "https://nexio2.example"),
        ("https://1nexio.e8mple", "https://1nexio.e8mple"),
    ],
)
def test_addresses_that_are_allowed(url: str, kept: str):
    assert validate_base_url(url) == kept


@pytest.mark.parametrize(
    "url",
    [
        "", "api.usenexio.com", "//api.usenexio.com", "ftp://nexio.example", "https://", "https:///x",
        "http://nexio.example", "http://10.0.0.1", "http://localhost.example", "http://0.0.0.0",
        "http://127.0.0.1.example", "http://[::2]", "http://[::1", "https://a:b@nexio.example",
        "https://hunter2@nexio.example", "https://nexio.example?x", "https://nexio.example/?",
        "https://nexio.example/#", "https://nexio.example:0", "https://nexio.example:99999",
        "https://nexio.example:x", "https://nexio.example:", "https://nexio example",
        "https://nexio.example/a\nb", "https://nexio.example\\@evil.example", "https://näxio.example",
        "https://nexio.example/a/../b", "https://nexio.example/api/v1",
        "https://nexio.example/api/v1/jobs/",
        # Where clouds serve their credentials, and addresses in disguise.
        "https://169.254.169.254", "https://169.254.169.254/latest", "https://[fe80::1]",
        "https://[::ffff:169.254.169.254]", "https://[fe80::1%25eth0]", "https://0.0.0.0",
        "https://[::]", "https://224.0.0.1", "https://2852039166", "https://0xa9fea9fe",
        "https://0xA9.0xFE.0xA9.0xFE", "https://169.254.43518", "https://127.1",
        "https://0251.0376.0251.0376", "https://nexio.example.7", "https://nexio.example.7.",
        "http://2130706433", "http://0x7f000001", "http://127.1", "http://localhost.",
        # Other ways to a file, a socket or another service.
        "file:///etc/passwd", "file://localhost/etc/passwd", "gopher://127.0.0.1:6379/_x",
        "unix:///run/docker.sock", "jar:https://nexio.example!/", "dict://127.0.0.1:11211/",
        "http+unix://x", "data:text/plain,x", "javascript:x", "https:nexio.example",
        "https:\\\\nexio.example", "HTTPS:///nexio.example", "https://nexio.example@evil.example",
        "https://nexio.example%40evil.example%2f@x", "https://nexio.example:443:80",
        "https://nexio.example\r\nHost: evil", "https://nexio.example%00.evil.example",
        "https://nexio.example\u3002evil",
    ],
)  # fmt: skip
def test_addresses_that_are_refused(url: str):
    with pytest.raises(ValueError) as refused:
        validate_base_url(url)
    assert "hunter2" not in str(refused.value)
