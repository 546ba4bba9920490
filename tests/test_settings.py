"""What the app demands of its environment, and what it tells browsers on every page."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import import_example, queued_run

ROOT = Path(__file__).resolve().parent.parent
KEPT = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
GOOD = {
    "APP_ENV": "production",
    "SECRET_KEY": "kTz3-Wq9_vR7xLm2Pn8sYb4Hd6Gf1Jc5QaUeIoZp",
    "ALLOWED_HOSTS": "portal.example.com",
    "NEXIO_API_KEY": "nx_live_example",
    "DATA_KEYS": "q0K3n1Vx7mZ4tB8yR2cW6pL9dF5gH0jS1aE3uI7oXkQ",
}
SHOW = """
import json, django
django.setup()
from django.conf import settings as s
print(json.dumps({
    name: getattr(s, name, None) for name in (
        "DEBUG", "ALLOWED_HOSTS", "NEXIO_URL", "NEXIO_IS_SANDBOX", "DEMO_ACCOUNTS", "WEB_PORT",
        "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SESSION_COOKIE_NAME", "SECURE_SSL_REDIRECT",
        "SECURE_HSTS_SECONDS", "SECURE_PROXY_SSL_HEADER", "SECOND_FACTOR",
    )} | {"key_length": len(s.SECRET_KEY), "engine": s.DATABASES["default"]["ENGINE"]}))
"""


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Python in a clean environment: nothing of the caller's but the path."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**KEPT, "DJANGO_SETTINGS_MODULE": "brokerportal.settings", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def settings_with(**environment: str) -> dict[str, object]:
    import json

    done = run("-c", SHOW, **environment)
    assert done.returncode == 0, done.stderr
    shown: dict[str, object] = json.loads(done.stdout)
    return shown


def refusal(**environment: str) -> list[str]:
    """The lines a wrong environment is answered with; nothing else is printed."""
    done = run("manage.py", "check", **environment)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for name, value in environment.items():
        if len(value) > 3 and name != "APP_ENV":
            assert value not in done.stderr, f"the value of {name} is repeated"
    first, *lines = done.stderr.rstrip().splitlines()
    assert first == "The environment is not usable:"
    return [line.strip() for line in lines]


def named(lines: list[str]) -> set[str]:
    return {line.split(":")[0] for line in lines}


class TestEnvironment:
    def test_local_needs_nothing(self, tmp_path):
        shown = settings_with(DATA_DIR=str(tmp_path))
        assert shown["NEXIO_IS_SANDBOX"]
        assert shown["DEMO_ACCOUNTS"]
        assert shown["SECOND_FACTOR"] == "optional"
        assert not shown["DEBUG"]
        assert shown["NEXIO_URL"] == "http://127.0.0.1:8787"
        assert shown["WEB_PORT"] == 8000
        assert shown["engine"] == "django.db.backends.sqlite3"
        assert int(str(shown["key_length"])) >= 50
        assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600

    def test_production_refuses_everything_wrong_at_once(self):
        lines = refusal(
            APP_ENV="production",
            SECRET_KEY="insecure-key-that-somebody-copied-from-a-page",
            DATA_KEYS="too-short-for-a-key",
            DEBUG="yes",
            SECOND_FACTOR="optional",
            PORT="eighty",
            WEB_THREADS="0",
            DATABASE_URL="mysql://user:dbpassword@host/name",
            NEXIO_API_KEY="nx_live_ white space",
            NEXIO_BASE_URL="http://user:hunter2@api.example.com",
            OFFICE_TIME_ZONE="Mars/Olympus",
            LOG_LEVEL="LOUD",
            SANDBOX_SECONDS="nan",
            WORKER_POLL_CONCURRENCY="1000",
            TRUST_FORWARDED_PROTO="perhaps",
        )
        assert named(lines) == {
            "SECRET_KEY", "DATA_KEYS", "DEBUG", "SECOND_FACTOR", "ALLOWED_HOSTS", "PORT",
            "WEB_THREADS", "DATABASE_URL", "NEXIO_API_KEY", "NEXIO_BASE_URL", "OFFICE_TIME_ZONE",
            "LOG_LEVEL", "SANDBOX_SECONDS", "WORKER_POLL_CONCURRENCY", "TRUST_FORWARDED_PROTO",
        }  # fmt: skip
        assert "hunter2" not in "\n".join(lines)

    @pytest.mark.parametrize(
        ("name", "content", "why"),
        [
            ("logo.gif", b"GIF89a", "must be a .png"),
            ("logo.png", b"<html>", "not the kind of picture"),
            ("logo.svg", b"\x89PNG", "not the kind of picture"),
            ("logo.png", b"\x89PNG" + bytes(250_000), "at most 250 kB"),
            ("gone.png", None, "cannot be read"),
        ],
    )
    def test_a_logo_that_cannot_be_set(self, tmp_path, name, content, why):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        lines = refusal(AGENCY_LOGO=str(tmp_path / name))
        assert named(lines) == {"AGENCY_LOGO"}
        assert why in "\n".join(lines)
        assert str(tmp_path) not in "\n".join(lines)

    @pytest.mark.parametrize("years", ["4", "0", "-7", "101", "seven", ""])
    def test_a_retention_below_what_the_law_asks(self, years):
        assert named(refusal(RETENTION_YEARS=years)) == {"RETENTION_YEARS"}

    def test_the_agency_is_one_line_of_text(self):
        assert named(refusal(AGENCY_NAME="Cedar\nMain", AGENCY_PHONE="5" * 41)) == {
            "AGENCY_NAME", "AGENCY_PHONE",
        }  # fmt: skip

    @pytest.mark.parametrize("key", ["", "changeme", "x" * 64])
    def test_production_refuses_a_default_key(self, key):
        assert named(refusal(**{**GOOD, "SECRET_KEY": key})) == {"SECRET_KEY"}

    @pytest.mark.parametrize(
        ("keys", "why"),
        [
            ("", "is needed in production"),
            (f"{GOOD['DATA_KEYS']},c2hvcnQ", "key 2 must be 32 bytes"),
            (f"{GOOD['DATA_KEYS']}, {GOOD['DATA_KEYS']}=", "names a key twice"),
            (f"{GOOD['DATA_KEYS'][:-2]}!!", "key 1 must be 32 bytes"),
        ],
    )
    def test_data_keys_that_cannot_be_used(self, keys, why):
        (line,) = refusal(**{**GOOD, "DATA_KEYS": keys})
        assert line.startswith("DATA_KEYS: ")
        assert why in line

    def test_a_data_key_is_made_once_and_kept(self, tmp_path):
        settings_with(DATA_DIR=str(tmp_path))
        made = (tmp_path / "data_key").read_text()
        settings_with(DATA_DIR=str(tmp_path))
        assert (tmp_path / "data_key").read_text() == made
        assert (tmp_path / "data_key").stat().st_mode & 0o777 == 0o600
        assert sorted(path.name for path in tmp_path.iterdir()) == ["data_key", "secret_key"]

    def test_sessions_have_limits_within_reason(self):
        wrong = {"SESSION_IDLE_MINUTES": "4", "SESSION_HOURS": "25"}
        assert named(refusal(**wrong)) == set(wrong)

    def test_production_refuses_any_host(self):
        assert named(refusal(**{**GOOD, "ALLOWED_HOSTS": "*"})) == {"ALLOWED_HOSTS"}

    @pytest.mark.parametrize("said", ["", "required"])
    def test_production_requires_a_second_factor_whatever_is_said(self, said):
        assert settings_with(**GOOD, SECOND_FACTOR=said)["SECOND_FACTOR"] == "required"
        assert named(refusal(**GOOD, SECOND_FACTOR="optional")) == {"SECOND_FACTOR"}

    def test_a_mode_that_does_not_exist(self):
        lines = refusal(APP_ENV="staging")
        assert named(lines) == {"APP_ENV"}
        assert "local" in lines[0]
        assert "production" in lines[0]

    def test_plain_http_goes_to_this_machine_only(self):
        assert named(refusal(NEXIO_BASE_URL="http://nexio.example.com")) == {"NEXIO_BASE_URL"}

    def test_another_machine_is_not_taken_for_the_sandbox(self):
        line = refusal(NEXIO_BASE_URL="https://nexio.example.com")[0]
        assert line.startswith("NEXIO_BASE_URL: ")
        assert "NEXIO_API_KEY is needed" in line
        shown = settings_with(
            NEXIO_BASE_URL="https://nexio.example.com", NEXIO_API_KEY="nx_test_example"
        )
        assert not shown["NEXIO_IS_SANDBOX"]

    def test_production_needs_a_key(self):
        without = {**GOOD, "NEXIO_API_KEY": "", "NEXIO_BASE_URL": "http://127.0.0.1:9"}
        assert named(refusal(**without)) == {"NEXIO_API_KEY"}

    def test_app_and_sandbox_need_a_port_each(self):
        assert named(refusal(PORT="8787")) == {"SANDBOX_PORT"}
        assert settings_with(PORT="8787", NEXIO_API_KEY="nx_test_example")["WEB_PORT"] == 8787

    def test_settings_are_printed_without_secrets(self):
        secrets = {
            "SECRET_KEY": GOOD["SECRET_KEY"],
            "NEXIO_API_KEY": "nx_live_canary0123",
            "DATABASE_URL": "postgresql://portal:dbpassword@127.0.0.1/portal",
        }
        printed = run("manage.py", "diffsettings", "--all", **{**GOOD, **secrets})
        assert printed.returncode == 0, printed.stderr
        assert "portal.example.com" in printed.stdout
        for secret in (GOOD["SECRET_KEY"], GOOD["DATA_KEYS"], "canary0123", "dbpassword"):
            assert secret not in printed.stdout

    def test_a_password_that_breaks_the_database_address_is_not_shown(self):
        lines = refusal(DATABASE_URL="postgresql://portal:s3cret/word@db.example.com/portal")
        assert named(lines) == {"DATABASE_URL"}
        assert "s3cret" not in lines[0]

    @pytest.mark.parametrize(
        ("url", "why"),
        [
            ("amqp://queue.example.com/0", "must be redis://"),
            ("redis:///0", "must be redis://"),
            ("redis://:s3cret/word@queue.example.com/0", "is malformed"),
            ("redis://queue.example.com:70000/0", "is malformed"),
            ("redis://queue.example.com/hints", "number of a Redis database"),
            ("redis://queue.example.com/0/1", "number of a Redis database"),
            ("rediss://queue.example.com/0?ssl_cert_reqs=none", "no options"),
        ],
    )
    def test_a_queue_that_cannot_be(self, url, why):
        lines = refusal(QUEUE_URL=url)
        assert named(lines) == {"QUEUE_URL"}
        assert why in lines[0]

    def test_a_queue_on_redis_and_its_password(self):
        address = "rediss://portal:queueword@queue.example.com:6380/3"
        printed = run("manage.py", "diffsettings", "--all", **GOOD, QUEUE_URL=address)
        assert printed.returncode == 0, printed.stderr
        assert "quotes.services.redis_hints.RedisHints" in printed.stdout
        assert "queueword" not in printed.stdout

    @pytest.mark.parametrize("size", ["0", "65", "many"])
    def test_a_pool_that_cannot_be(self, size):
        assert named(refusal(DATABASE_POOL=size)) == {"DATABASE_POOL"}

    def test_production_behind_a_proxy(self):
        shown = settings_with(
            **GOOD,
            DATABASE_URL="postgresql://portal@127.0.0.1/portal",
            TRUST_FORWARDED_PROTO="true",
        )
        assert shown["ALLOWED_HOSTS"] == ["portal.example.com"]
        assert shown["NEXIO_URL"] == "https://api.usenexio.com"
        assert not shown["NEXIO_IS_SANDBOX"]
        assert not shown["DEMO_ACCOUNTS"]
        assert shown["SESSION_COOKIE_SECURE"]
        assert shown["CSRF_COOKIE_SECURE"]
        assert shown["SESSION_COOKIE_NAME"] == "__Host-session"
        assert shown["SECURE_SSL_REDIRECT"]
        assert shown["SECURE_HSTS_SECONDS"] == 365 * 24 * 3600
        assert shown["SECURE_PROXY_SSL_HEADER"] == ["HTTP_X_FORWARDED_PROTO", "https"]

    def test_any_variable_may_be_set_by_itself_locally(self, tmp_path):
        shown = settings_with(
            DATA_DIR=str(tmp_path),
            NEXIO_BASE_URL="http://localhost:9999/",
            PORT="8123",
            DEBUG="true",
        )
        assert shown["NEXIO_URL"] == "http://localhost:9999"
        assert shown["WEB_PORT"] == 8123
        assert shown["DEBUG"]


class TestHeaders:
    """What a browser is told on every kind of page."""

    PAGES = (
        "worklist", "insured_list", "insured", "run", "fragment", "sign_in", "redirect",
        "sign_out", "absent", "barred", "csrf", "admin", "admin_list", "admin_form", "healthz",
        "bad_host",
    )  # fmt: skip

    @pytest.fixture
    def ask(self, people):
        def look(page: str):
            run_ = queued_run(owner=people["broker"])
            import_example("home_only.json", people["broker"])
            browser = Client(enforce_csrf_checks=page == "csrf")
            if page not in {"sign_in", "redirect"}:
                person = "admin" if page.startswith("admin") else "broker"
                browser.force_login(people[person])
            detail = reverse("quotes:run_detail", kwargs={"pk": run_.pk})
            insured = reverse("quotes:insured_detail", kwargs={"pk": run_.insured_id})
            where = {
                "worklist": "/",
                "insured_list": "/insureds/",
                "insured": insured,
                "run": detail,
                "fragment": f"{detail}status/",
                "sign_in": "/sign-in/",
                "redirect": "/insureds/",
                "sign_out": "/sign-out/",
                "absent": "/no/such/page/",
                "barred": "/admin/login/",
                "csrf": "/sign-out/",
                "admin": "/admin/",
                "admin_list": "/admin/quotes/run/",
                "admin_form": f"/admin/quotes/run/{run_.pk}/change/",
                "healthz": "/healthz",
                "bad_host": "/",
            }[page]
            if page == "csrf":
                return browser.post(where)
            headers = {"fragment": {"HX-Request": "true"}, "bad_host": {"Host": "evil.example"}}
            return browser.get(where, headers=headers.get(page))

        return look

    STATUS = {"redirect": 302, "absent": 404, "barred": 403, "csrf": 403, "bad_host": 400}

    @pytest.mark.parametrize("page", PAGES)
    def test_every_page(self, page, ask):
        response = ask(page)
        assert response.status_code == self.STATUS.get(page, 200)
        policy = dict(
            directive.strip().split(" ", 1)
            for directive in response["Content-Security-Policy"].split(";")
        )
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert policy["style-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert policy["form-action"] == "'self'"
        assert policy["base-uri"] == "'none'"
        assert "unsafe" not in response["Content-Security-Policy"]
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["X-Frame-Options"] == "DENY"
        assert response["Referrer-Policy"] == "same-origin"
        assert response["Cross-Origin-Opener-Policy"] == "same-origin"
        for power in ("camera", "geolocation", "microphone", "payment"):
            assert f"{power}=()" in response["Permissions-Policy"]
        assert {"no-store", "private"} <= {
            part.strip() for part in response["Cache-Control"].split(",")
        }

    @pytest.mark.parametrize("page", [page for page in PAGES if page not in {"healthz"}])
    def test_no_page_has_anything_inline(self, page, ask):
        html = ask(page).content.decode()
        for inline in (" style=", "<style", " onclick=", " onload=", "javascript:", " hx-on"):
            assert inline not in html
        for script in html.split("<script")[1:]:
            opening, rest = script.split(">", 1)
            if 'type="application/json"' not in opening:
                assert "src=" in opening
                assert rest.lstrip().startswith("</script>")


def test_a_style_sheet_may_be_kept_and_holds_no_household(client):
    response = client.get("/static/css/base.css")
    assert response.status_code == 200
    assert "no-store" not in response["Cache-Control"]


def test_liveness_names_nothing_and_asks_no_database(client):
    # Without the db mark any query fails: also the one for a session of which a cookie came along.
    for session in ("", "0123456789abcdefghijklmnopqrstuv"):
        client.cookies["sessionid"] = session
        assert client.get("/healthz").content == b"ok\n"


def test_a_fault_shows_a_page_without_details(people, settings, monkeypatch):
    from quotes.services import worklist

    def broken(*_: object) -> None:
        raise RuntimeError("the text of a fault, with /a/path and a name")

    monkeypatch.setattr(worklist, "read_work", broken)
    browser = Client(raise_request_exception=False)
    browser.force_login(people["broker"])
    response = browser.get("/")
    assert response.status_code == 500
    page = response.content.decode()
    assert "Something broke on our side" in page
    assert "the text of a fault" not in page
    assert "Content-Security-Policy" in response.headers


FORGET = """
import django
django.setup()
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE told (what TEXT)")
    cursor.execute("INSERT INTO told VALUES ('a chimney fire in Fabelton')")
    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    cursor.execute("DELETE FROM told")
    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
"""


def test_what_is_deleted_is_no_longer_in_an_sqlite_file(tmp_path):
    file = tmp_path / "portal.sqlite3"
    done = run("-c", FORGET, DATABASE_URL=f"sqlite:///{file}", DATA_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    kept = file.read_bytes()
    assert b"told" in kept, "the table's name shows that this is where it stood"
    assert b"chimney" not in kept
