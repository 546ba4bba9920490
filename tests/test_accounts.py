"""Signing in and out, as a browser meets it."""

from __future__ import annotations

import pytest
from django.conf import settings as configured
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django_q.brokers import get_broker

from brokerportal import settings as shipped
from quotes.models import Role, User
from quotes.services.demo import PASSWORD as DEMO_PASSWORD
from quotes.services.demo import load_demo
from tests.factories import PASSWORD, make_user, queued_run

pytestmark = pytest.mark.django_db

DOOR = "/sign-in/"


@pytest.fixture
def visitor() -> Client:
    return Client()


@pytest.fixture
def limits(settings):
    """The limits that ship, in a cache of the test's own."""
    settings.ACCOUNT_RATE_LIMITS = shipped.ACCOUNT_RATE_LIMITS
    cache.clear()
    yield
    cache.clear()


def sign_in(visitor: Client, username: str, password: str = PASSWORD, **more: str):
    return visitor.post(DOOR, {"login": username, "password": password, **more})


def errors(response) -> list[str]:
    assert response.status_code == 200
    return [str(error) for error in response.context["form"].non_field_errors()]


def signed_in(visitor: Client) -> bool:
    return "_auth_user_id" in visitor.session


def test_attempts_are_counted_where_every_web_process_looks(visitor, people, limits):
    sign_in(visitor, "broker", "wrong")
    with connection.cursor() as rows:
        rows.execute("SELECT COUNT(*) FROM cache")
        assert rows.fetchone()[0] > 0


def test_the_queues_own_figures_stay_out_of_the_database(django_assert_num_queries):
    with django_assert_num_queries(0):
        get_broker().set_stat("test-figures", "working", 3)


def test_signing_in_leads_to_the_worklist(visitor, people):
    response = sign_in(visitor, "broker")
    assert (response.status_code, response["Location"]) == (302, reverse("quotes:worklist"))
    assert signed_in(visitor)


def test_signing_in_leads_back_to_the_page_that_was_asked_for(visitor, people):
    asked = visitor.get(reverse("quotes:insured_list"))
    assert asked.status_code == 302
    page = visitor.get(asked["Location"])
    assert '<input type="hidden" name="next" value="/insureds/">' in page.content.decode()
    response = sign_in(visitor, "broker", next="/insureds/")
    assert response["Location"] == "/insureds/"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "///x.y",
    ],
)
@pytest.mark.parametrize("carried", ["query", "form"])
def test_next_never_leaves_the_site(visitor, people, target, carried):
    if carried == "form":
        response = sign_in(visitor, "broker", next=target)
    else:
        response = visitor.post(
            DOOR, {"login": "broker", "password": PASSWORD}, query_params={"next": target}
        )
    assert response["Location"] == reverse("quotes:worklist")


def test_the_admin_door_passes_on_no_foreign_address(visitor):
    response = visitor.get("/admin/login/", {"next": "https://evil.example/"})
    assert response["Location"] == "/sign-in/?next=%2Fadmin%2F"


def test_a_wrong_password_says_nothing_about_the_account(visitor, people):
    User.objects.filter(pk=people["other"].pk).update(is_active=False)
    answers = {
        tuple(errors(sign_in(visitor, username, password)))
        for username, password in [
            ("broker", "wrong"),
            ("nobody-of-that-name", "wrong"),
            ("broker2", "wrong"),
            # Right, but made inactive: whoever guessed it must not learn that it fits.
            ("broker2", PASSWORD),
        ]
    }
    assert len(answers) == 1
    assert answers.pop()
    assert not signed_in(visitor)


def test_what_was_typed_stays_but_the_password_does_not(visitor, people):
    page = sign_in(visitor, "broker", "wrong-password").content.decode()
    assert 'value="broker"' in page
    assert "wrong-password" not in page


def test_repeated_failures_hold_that_account_back_and_no_other(visitor, people, limits):
    for _ in range(20):
        answer = errors(sign_in(visitor, "broker", "wrong"))
    assert "Too many" in answer[0]
    assert "Too many" in errors(sign_in(visitor, "broker"))[0], "the right one waits as well"
    assert not signed_in(visitor)
    assert sign_in(Client(), "broker2").status_code == 302


def test_guessing_over_many_accounts_holds_the_address_back(visitor, people, limits):
    answers = [errors(sign_in(visitor, f"guess{n}", "wrong"))[0] for n in range(301)]
    assert "Too many" in answers[-1]
    assert "Too many" not in answers[0]
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert sign_in(elsewhere, "broker").status_code == 302


def test_a_flood_gets_a_page_of_ours(visitor, people, limits, settings):
    settings.ACCOUNT_RATE_LIMITS = {"login": "1/m/ip"}
    sign_in(visitor, "broker", "wrong")
    response = sign_in(visitor, "broker", "wrong")
    assert response.status_code == 429
    assert "Too many tries" in response.content.decode()


def test_signing_out_needs_a_post(visitor, people):
    visitor.force_login(people["broker"])
    page = visitor.get("/sign-out/")
    assert page.status_code == 200
    assert "Sign out?" in page.content.decode()
    assert signed_in(visitor)
    response = visitor.post("/sign-out/")
    assert (response.status_code, response["Location"]) == (302, DOOR)
    assert not signed_in(visitor)
    assert visitor.get("/").status_code == 302


def test_signing_in_and_out_want_the_csrf_token(people):
    visitor = Client(enforce_csrf_checks=True)
    assert sign_in(visitor, "broker").status_code == 403
    visitor.force_login(people["broker"])
    assert visitor.post("/sign-out/").status_code == 403
    assert signed_in(visitor)


def test_signing_in_changes_the_session_id(visitor, people):
    visitor.get(DOOR)
    session = visitor.session
    session["planted"] = "x"
    session.save()
    visitor.cookies[configured.SESSION_COOKIE_NAME] = session.session_key
    sign_in(visitor, "broker")
    assert visitor.cookies[configured.SESSION_COOKIE_NAME].value != session.session_key


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(visitor, people):
    sign_in(visitor, "broker")
    cookie = visitor.cookies[configured.SESSION_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    # Locally it ends with the working day; allauth's "remember me" would make it two weeks.
    assert not cookie["max-age"] or int(cookie["max-age"]) <= 12 * 3600


def test_who_is_made_inactive_is_out_at_once(visitor, people):
    visitor.force_login(people["broker"])
    assert visitor.get("/").status_code == 200
    User.objects.filter(pk=people["broker"].pk).update(is_active=False)
    assert visitor.get("/").status_code == 302


def test_a_changed_password_ends_other_sessions(visitor, people):
    visitor.force_login(people["broker"])
    people["broker"].set_password("another-long-one")
    people["broker"].save()
    assert visitor.get("/").status_code == 302


class TestDemoAccounts:
    @pytest.fixture(autouse=True)
    def _demo(self, db, settings):
        settings.DEMO_ACCOUNTS = True
        load_demo()

    def test_they_sign_in_while_the_sandbox_answers(self, visitor):
        for username in ("broker", "broker2", "manager", "admin"):
            visitor = Client()
            assert sign_in(visitor, username, DEMO_PASSWORD).status_code == 302

    def test_the_sign_in_page_lists_them(self, visitor):
        page = visitor.get(DOOR).content.decode()
        assert DEMO_PASSWORD in page
        assert "Demo logins" in page

    def test_with_a_key_the_page_is_silent_and_the_door_shut(self, visitor, settings):
        settings.DEMO_ACCOUNTS = False
        page = visitor.get(DOOR).content.decode()
        assert DEMO_PASSWORD not in page
        assert "Demo logins" not in page
        assert errors(sign_in(visitor, "admin", DEMO_PASSWORD))

    def test_with_a_key_a_session_from_before_is_over(self, visitor, settings):
        sign_in(visitor, "broker", DEMO_PASSWORD)
        assert visitor.get("/").status_code == 200
        settings.DEMO_ACCOUNTS = False
        assert visitor.get("/").status_code == 302

    def test_a_real_account_of_that_name_is_not_touched(self, visitor, settings):
        make_user("maria", Role.BROKER)
        settings.DEMO_ACCOUNTS = False
        assert sign_in(visitor, "maria").status_code == 302

    def test_after_a_time_with_a_key_they_work_again(self, visitor, settings):
        settings.DEMO_ACCOUNTS = False
        assert errors(sign_in(visitor, "broker", DEMO_PASSWORD))
        settings.DEMO_ACCOUNTS = True
        assert load_demo()
        assert sign_in(visitor, "broker", DEMO_PASSWORD).status_code == 302

    def test_one_that_an_admin_deactivated_stays_so_and_is_not_offered(self, visitor):
        User.objects.filter(username="manager").update(is_active=False)
        assert load_demo()
        assert errors(sign_in(visitor, "manager", DEMO_PASSWORD))
        page = visitor.get(DOOR).content.decode()
        assert ">broker2<" in page
        assert ">manager<" not in page


class TestDemoOverRealWork:
    @pytest.fixture(autouse=True)
    def _sandbox(self, db, settings):
        settings.DEMO_ACCOUNTS = True

    @pytest.mark.parametrize("username", ["admin", "maria"])
    def test_real_accounts_get_no_demo_beside_them(self, visitor, username):
        make_user(username, Role.ADMIN)
        assert not load_demo()
        assert list(User.objects.values_list("username", flat=True)) == [username]
        assert sign_in(visitor, username).status_code == 302
        assert DEMO_PASSWORD not in Client().get(DOOR).content.decode()

    def test_nor_do_runs_that_went_to_nexio_itself(self, settings):
        settings.NEXIO_IS_SANDBOX = False
        queued_run()
        assert not load_demo()
        assert not User.objects.exists()

    def test_what_the_command_line_tried_in_the_sandbox_is_no_hindrance(self):
        queued_run()
        assert load_demo()

    def test_people_added_beside_the_demo_leave_it_as_it_is(self, visitor):
        assert load_demo()
        make_user("maria", Role.BROKER)
        assert load_demo()
        assert sign_in(visitor, "broker", DEMO_PASSWORD).status_code == 302


@pytest.mark.parametrize("name", ["account_signup", "account_reset_password", "account_email"])
def test_nobody_makes_an_account_or_resets_one_by_themselves(name):
    with pytest.raises(NoReverseMatch):
        reverse(name)


@pytest.mark.parametrize("path", ["/signup/", "/accounts/signup/", "/sign-up/", "/accounts/"])
def test_no_such_address(visitor, path):
    assert visitor.get(path).status_code == 404


def test_somebody_signed_in_passes_the_sign_in_page(visitor, people):
    visitor.force_login(people["broker"])
    assert visitor.get(DOOR)["Location"] == reverse("quotes:worklist")


def test_the_last_sign_in_is_noted(visitor, people):
    assert people["broker"].last_login is None
    sign_in(visitor, "broker")
    people["broker"].refresh_from_db()
    assert people["broker"].last_login is not None
