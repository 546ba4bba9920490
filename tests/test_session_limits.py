"""Sessions end by themselves, whatever pages do by themselves; and wherever somebody says so."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from quotes.models import AuditEvent, OpenSession, User
from quotes.views.session_clock import AGAIN, AUTOMATIC, REFRESHED
from tests import runs as made
from tests.factories import PASSWORD
from tests.sealed import places_of
from tests.views.grid import row, save, url

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 16, 14, tzinfo=UTC)
TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
HTMX = {"HX-Request": "true"}
CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def minutes(clock, count: float) -> None:
    clock.shift(timedelta(minutes=count))


def signed_in(username: str = "broker", **extra: Any) -> Client:
    client = Client(**extra)
    response = client.post("/sign-in/", {"login": username, "password": PASSWORD})
    assert response.status_code == 302
    return client


def is_open(client: Client) -> bool:
    """Asked in the one way that extends nothing."""
    return bool(client.get(reverse("session_left")).json()["left"] > 0)


class TestLimits:
    def test_idle(self, people, clock):
        client = signed_in()
        minutes(clock, 59)
        assert is_open(client)
        minutes(clock, 1)
        assert not is_open(client)
        page = client.get(reverse("quotes:insured_list"))
        assert page["Location"] == "/sign-in/?next=/insureds/"
        assert not OpenSession.objects.filter(user=people["broker"]).exists()

    def test_what_a_person_does_goes_on(self, people, clock):
        client = signed_in()
        for _ in range(5):
            minutes(clock, 50)
            assert client.get(reverse("quotes:insured_list")).status_code == 200
        assert is_open(client)

    def test_but_not_past_the_day(self, people, clock):
        client = signed_in()
        for _ in range(14):
            minutes(clock, 50)
            assert client.get(reverse("quotes:insured_list")).status_code == 200
        minutes(clock, 19)
        assert client.get(reverse("session_left")).json() == {"left": 60, "limit": "whole"}
        minutes(clock, 1)
        assert client.get(reverse("quotes:insured_list")).status_code == 302
        # Signing in again begins a new day.
        assert signed_in().get(reverse("session_left")).json()["left"] == 3600

    def test_the_settings_decide(self, people, clock, settings):
        settings.SESSION_IDLE_MINUTES, settings.SESSION_HOURS = 10, 1
        client = signed_in()
        minutes(clock, 10)
        assert not is_open(client)

    @pytest.mark.parametrize(
        ("ask", "headers"),
        [
            (lambda run: reverse("quotes:run_status", args=[run.pk]), HTMX),
            (lambda run: reverse("quotes:run_status", args=[run.pk]), {}),
            (lambda run: reverse("quotes:readiness", args=[run.insured_id]), HTMX),
            (lambda run: reverse("quotes:worklist"), HTMX),
            (lambda run: reverse("quotes:run_detail", args=[run.pk]) + "?again", {}),
            (lambda run: reverse("session_left"), {}),
            (lambda run: "/healthz", {}),
            (lambda run: "/no-such-page/", {}),
        ],
    )
    def test_what_pages_do_by_themselves_does_not(self, people, clock, ask, headers):
        run = made.waiting_run(people["broker"])
        client = signed_in()
        for _ in range(11):
            minutes(clock, 5)
            client.get(ask(run), headers=headers)
        minutes(clock, 5)
        assert not is_open(client)

    def test_nor_the_operations_page(self, people, clock):
        client = signed_in("admin")
        for _ in range(11):
            minutes(clock, 5)
            answer = client.get(reverse("quotes:operations"), headers=HTMX)
            assert answer.status_code == 200
        minutes(clock, 5)
        assert not is_open(client)

    def test_a_cell_typed_into_the_grid_does(self, people, clock):
        """The grid saves by itself what somebody typed; typing is an act, a refused save none."""
        insured = made.waiting_run(people["broker"]).insured
        client = signed_in()
        minutes(clock, 50)
        refused = client.post(url(insured), "{}", content_type="application/json")
        assert refused.status_code == 400
        assert client.get(reverse("session_left")).json()["left"] == 600
        quote = insured.quotes.all()[0]
        (saved,) = save(client, insured, row(quote.pk, {"term_months": ("6", "12")}))
        assert saved
        assert client.get(reverse("session_left")).json()["left"] == 3600

    def test_the_button_does(self, people, clock):
        client = signed_in()
        minutes(clock, 58)
        assert client.post(reverse("session_stay")).json() == {"left": 3600, "limit": "idle"}
        assert client.get(reverse("session_stay")).status_code == 405
        minutes(clock, 60)
        assert client.post(reverse("session_stay")).status_code == 302, "too late"

    def test_a_use_is_written_once_a_minute(self, people, clock):
        client = signed_in()
        client.get(reverse("quotes:insured_list"))
        before = OpenSession.objects.get().session_data
        clock.shift(timedelta(seconds=30))
        client.get(reverse("quotes:insured_list"))
        assert OpenSession.objects.get().session_data == before
        clock.shift(timedelta(seconds=40))
        client.get(reverse("quotes:insured_list"))
        assert OpenSession.objects.get().used_at == START + timedelta(seconds=70)


class TestWhatPagesAskFor:
    """Whatever a template lets a page ask for by itself is named where sessions are extended."""

    # In a page of Django's the address is `{% url '…' %}`, in a compiled one `{{ url("…") }}`.
    BY_ITSELF = re.compile(
        r"""hx-(?:get|post)="\{[%{]\s*url[\s(]+["']([\w:]+)["'][^}]*\}[^"]*"[^>]*?"""
        r"""hx-trigger="[^"]*\b(?:every|load)\b""",
        re.S,
    )

    def test_is_named(self):
        asked = {
            name
            for path in TEMPLATES.rglob("*.html")
            for name in self.BY_ITSELF.findall(path.read_text())
        }
        assert {"quotes:run_status", "quotes:worklist", "quotes:operations"} <= asked
        assert asked <= AUTOMATIC | REFRESHED

    def test_nothing_asks_by_itself_in_another_way(self):
        for path in TEMPLATES.rglob("*.html"):
            text = path.read_text()
            reloads = re.findall(r'http-equiv="refresh" content="([^"]*)"', text)
            assert all(each.endswith(f"url=?{AGAIN}") for each in reloads), path
            triggers = re.findall(r'hx-trigger="([^"]*)"', text)
            by_itself = [each for each in triggers if re.search(r"\b(every|load|revealed)\b", each)]
            assert len(by_itself) == len(self.BY_ITSELF.findall(text)), path


class TestAfterTheEnd:
    def test_a_form_is_kept_and_sent_on(self, people, clock):
        client = signed_in()
        minutes(clock, 61)
        response = client.post(
            reverse("quotes:insured_create"),
            "applicant_name=Typed+Late",
            content_type="application/x-www-form-urlencoded",
        )
        assert response.status_code == 401
        assert "Typed+Late" in response.content.decode()

    def test_a_cell_is_answered_401(self, people, clock):
        run = made.waiting_run(people["broker"])
        client = signed_in()
        minutes(clock, 61)
        response = client.post(url(run.insured), "{}", content_type="application/json")
        assert response.status_code == 401

    def test_a_fragment_leads_the_page_to_the_door(self, people, clock):
        run = made.waiting_run(people["broker"])
        client = signed_in()
        minutes(clock, 61)
        response = client.get(reverse("quotes:run_status", args=[run.pk]), headers=HTMX)
        assert response["HX-Redirect"].startswith("/sign-in/?next=")


def test_pages_know_the_limits_and_not_the_time(people, clock):
    client = signed_in()
    pages = []
    for _ in range(3):
        minutes(clock, 7)
        page = client.get(reverse("own_sessions")).content.decode()
        pages.append(re.findall(r'data-session-(?:idle|ends)="\d+"', page))
    ends = int((START + timedelta(hours=12)).timestamp())
    assert pages == [['data-session-idle="3600"', f'data-session-ends="{ends}"']] * 3


class TestWhereSomebodyIsSignedIn:
    def test_the_list(self, people, clock):
        signed_in(HTTP_USER_AGENT=CHROME, REMOTE_ADDR="192.0.2.7")
        minutes(clock, 10)
        here = signed_in()
        page = here.get(reverse("own_sessions")).content.decode()
        assert "Chrome on Windows" in page
        assert "192.0.2.7" in page
        assert page.index("this one") < page.index("Chrome on Windows")

    def test_what_is_over_is_in_no_list(self, people, clock):
        signed_in(HTTP_USER_AGENT=CHROME)
        minutes(clock, 61)
        here = signed_in()
        page = here.get(reverse("own_sessions")).content.decode()
        assert "Chrome on Windows" not in page
        assert "You are signed in nowhere else." in page
        here.post(reverse("own_sessions_end"))
        assert not AuditEvent.objects.filter(what="Signed out everywhere else").exists()
        admin = signed_in("admin")
        answer = admin.get(reverse("sessions_of_person", args=[people["broker"].pk]))
        assert "Signed in at 1 place:" in answer.content.decode()

    def test_signing_out_everywhere_else(self, people, clock):
        there, here, others = signed_in(), signed_in(), signed_in("broker2")
        assert here.get(reverse("own_sessions_end")).status_code == 405
        here.post(reverse("own_sessions_end"))
        assert (is_open(there), is_open(here), is_open(others)) == (False, True, True)
        entry = AuditEvent.objects.get(what="Signed out everywhere else")
        assert (entry.actor, entry.data["sessions_ended"]) == (people["broker"], 1)

    def test_an_admin_signs_somebody_out(self, people, clock):
        there, admin = signed_in(), signed_in("admin")
        page = reverse("sessions_of_person", args=[people["broker"].pk])
        assert "Signed in at 1 place" in admin.get(page).content.decode()
        assert admin.post(page, {"reason": ""}).status_code == 422
        assert is_open(there)
        response = admin.post(page, {"reason": "Laptop left in a taxi"})
        assert response.status_code == 302
        assert (is_open(there), is_open(admin)) == (False, True)
        entry = AuditEvent.objects.get(what="Signed broker out everywhere")
        assert entry.data["reason"] == "Laptop left in a taxi"

    @pytest.mark.parametrize("who", ["broker", "manager"])
    def test_nobody_else_does(self, people, clock, who):
        page = reverse("sessions_of_person", args=[people["other"].pk])
        there = signed_in("broker2")
        assert signed_in(who).post(page, {"reason": "I want to"}).status_code == 403
        assert is_open(there)

    def test_a_new_password_ends_the_others(self, people, clock):
        there, here = signed_in(), signed_in()
        new = "another-long-password-5"
        form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
        assert here.post(reverse("password_change_own"), form).status_code == 302
        assert (is_open(there), is_open(here)) == (False, True)

    def test_the_table_alone_lets_nobody_in(self, people, clock):
        client = signed_in()
        client.post(reverse("quotes:insured_search"), {"q": "Marigold Fairweather"})
        key = client.session.session_key
        row = OpenSession.objects.get(user=people["broker"])
        assert row.pk != key
        assert places_of(str(key)) == set()
        thief = Client()
        thief.cookies["sessionid"] = row.pk
        assert not is_open(thief)


def test_passwords_are_argon2_and_hashed_anew_when_the_parameters_grow(people, settings):
    """With the hashers that ship: an older hash is replaced by the sign-in that shows it right."""
    from django.contrib.auth.hashers import PBKDF2PasswordHasher

    from brokerportal import settings as shipped

    settings.PASSWORD_HASHERS = shipped.PASSWORD_HASHERS
    for old in (
        PBKDF2PasswordHasher().encode(PASSWORD, "saltsaltsaltsalt", 1000),
        argon2_hash(memory=8, times=1),
    ):
        User.objects.filter(pk=people["broker"].pk).update(password=old)
        signed_in()
        now = User.objects.get(pk=people["broker"].pk).password
        kind, variant, _, parameters, *_ = now.split("$")
        assert (kind, variant) == ("argon2", "argon2id")
        stated = dict(part.split("=") for part in parameters.split(","))
        # OWASP's least: 19 MiB and two passes with one lane, or more memory and fewer passes.
        assert int(stated["m"]) >= 19 * 1024
        assert int(stated["t"]) >= 2
        signed_in()
        assert User.objects.get(pk=people["broker"].pk).password == now


def argon2_hash(*, memory: int, times: int) -> str:
    import argon2

    hasher = argon2.PasswordHasher(time_cost=times, memory_cost=memory, parallelism=1)
    return "argon2" + hasher.hash(PASSWORD)
