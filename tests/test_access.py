"""Who may do what: every address, asked by everybody, by GET and by POST.

The table is the rule. An address without a line in it fails, so that nothing is opened by
being forgotten; Django admin's addresses follow one rule of their own, at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from quotes.models import (
    DecisionEvent,
    ImportDraft,
    Insured,
    Proposal,
    Quote,
    QuoteLine,
    Run,
    RunEvent,
)
from quotes.services.proposals import make_proposal
from quotes.services.roles import ensure_roles
from tests.factories import import_example, make_user, queued_run, stored_attachment
from tests.runs import completed_run

pytestmark = pytest.mark.django_db

# Ways an address may answer.
SHOWN = frozenset({200})
TAKEN = frozenset({200, 302, 409, 422})  # Let in; what was posted here is empty, hence 422.
MOVED = frozenset({302})
BARRED = frozenset({403})
ABSENT = frozenset({404})
NO_METHOD = frozenset({405})
DOOR = frozenset({-1})  # Sent to sign in.

NOBODY = ("anonymous", "inactive")
SIGNED_IN = ("broker", "other", "manager", "admin", "roleless")
EVERYBODY = NOBODY + SIGNED_IN

Rule = dict[str, frozenset[int]]


def rule(everybody: frozenset[int], **exceptions: frozenset[int]) -> Rule:
    """The answer everybody signed in gets, with exceptions; others are sent to sign in."""
    return {
        **dict.fromkeys(NOBODY, DOOR),
        **dict.fromkeys(SIGNED_IN, everybody),
        **exceptions,
    }


READ = rule(ABSENT, broker=SHOWN, manager=SHOWN, admin=SHOWN)
CHANGE_PAGE = rule(ABSENT, broker=SHOWN)
CHANGE = rule(ABSENT, broker=TAKEN)
BROKERS_PAGE = rule(BARRED, broker=SHOWN, other=SHOWN)
BROKERS_POST = rule(BARRED, broker=TAKEN, other=TAKEN)
NOT_SO = rule(NO_METHOD)
SIGN_OUT = rule(SHOWN, anonymous=MOVED, inactive=MOVED)
OPEN = dict.fromkeys(EVERYBODY, SHOWN)
# The fragment sees to signing in by itself, so that it can tell htmx which page to come back to.
NOT_SO_OPEN = dict.fromkeys(EVERYBODY, NO_METHOD)
# A script asks and stays on its page: it is told that the session ended, and what is no cell.
SIGNED_OUT = dict.fromkeys(NOBODY, frozenset({401}))
CELLS_PAGE = {**rule(ABSENT, broker=SHOWN), **SIGNED_OUT}
CELLS = {**rule(ABSENT, broker=frozenset({400})), **SIGNED_OUT}

RULES: dict[str, tuple[Rule, Rule]] = {
    # address: (GET, POST)
    "quotes:worklist": (rule(SHOWN), NOT_SO_OPEN),
    "quotes:insured_list": (rule(SHOWN), NOT_SO),
    "quotes:insured_search": (NOT_SO, rule(MOVED)),
    "quotes:insured_create": (BROKERS_PAGE, BROKERS_POST),
    # It answers inside a form: whoever was signed out is told so there, and keeps what was typed.
    "quotes:insured_form_row": (NOT_SO_OPEN, {**BROKERS_POST, **dict.fromkeys(NOBODY, SHOWN)}),
    "quotes:insured_detail": (READ, NOT_SO),
    "quotes:insured_edit": (CHANGE_PAGE, CHANGE),
    "quotes:grid": (CELLS_PAGE, CELLS),
    "quotes:grid_paste": (NOT_SO_OPEN, CELLS),
    "quotes:insured_grid_save": (NOT_SO, CHANGE),
    "quotes:quote_create": (CHANGE_PAGE, CHANGE),
    "quotes:run_start": (NOT_SO, CHANGE),
    "quotes:readiness": (rule(MOVED), NOT_SO_OPEN),
    "quotes:quote_detail": (READ, NOT_SO),
    # Which field is not said here, hence 404 for those who are let in.
    "quotes:read_detail": (
        NOT_SO_OPEN,
        {**rule(BARRED, broker=ABSENT, other=ABSENT), **dict.fromkeys(NOBODY, SHOWN)},
    ),
    "quotes:quote_edit": (CHANGE_PAGE, CHANGE),
    "quotes:quote_delete": (CHANGE_PAGE, CHANGE),
    "quotes:quote_copy": (CHANGE_PAGE, CHANGE),
    "quotes:insured_renew": (CHANGE_PAGE, CHANGE),
    "quotes:attachment_add": (NOT_SO, CHANGE),
    "quotes:attachment_download": (READ, NOT_SO),
    "quotes:attachment_delete": (CHANGE_PAGE, CHANGE),
    "quotes:import_new": (BROKERS_PAGE, BROKERS_POST),
    "quotes:import_template": (BROKERS_PAGE, NOT_SO),
    # A draft is nobody's but the broker's who dropped it.
    "quotes:import_preview": (
        rule(BARRED, broker=SHOWN, other=ABSENT),
        rule(BARRED, broker=TAKEN, other=ABSENT),
    ),
    "quotes:run_list": (rule(SHOWN), NOT_SO),
    "quotes:run_search": (NOT_SO, rule(MOVED)),
    "quotes:run_detail": (READ, NOT_SO),
    "quotes:run_request": (READ, NOT_SO),
    "quotes:run_reply": (READ, NOT_SO),
    "quotes:run_against": (READ, NOT_SO),
    "quotes:run_side_by_side": (READ, NOT_SO),
    # Opened as a page it leads to the run's page, which decides.
    "quotes:run_status": (rule(MOVED), NOT_SO_OPEN),
    "quotes:run_abandon": (NOT_SO, CHANGE),
    "quotes:run_resubmit": (NOT_SO, CHANGE),
    "quotes:run_link": (NOT_SO, CHANGE),
    "quotes:run_resume": (NOT_SO, CHANGE),
    "quotes:run_send_again": (NOT_SO, CHANGE),
    "quotes:run_export_csv": (READ, NOT_SO),
    "quotes:run_export_xlsx": (READ, NOT_SO),
    "quotes:run_what_if": (READ, NOT_SO),
    "quotes:run_what_if_rerun": (CHANGE_PAGE, CHANGE),
    "quotes:run_decision": (READ, NOT_SO),
    "quotes:run_choose": (CHANGE_PAGE, CHANGE),
    "quotes:run_record": (NOT_SO, CHANGE),
    "quotes:run_proposal": (CHANGE_PAGE, CHANGE),
    # Whoever sees a run may take its packet along; the history says who did.
    "quotes:run_packet": (NOT_SO, rule(ABSENT, broker=TAKEN, manager=TAKEN, admin=TAKEN)),
    "quotes:proposal_detail": (READ, NOT_SO),
    "quotes:proposal_pdf": (READ, NOT_SO),
    "quotes:proposal_page": (READ, NOT_SO),
    "quotes:proposal_deliver": (NOT_SO, CHANGE),
    "account_login": (
        {**dict.fromkeys(NOBODY, SHOWN), **dict.fromkeys(SIGNED_IN, MOVED)},
        {**dict.fromkeys(NOBODY, SHOWN), **dict.fromkeys(SIGNED_IN, MOVED)},
    ),
    "account_logout": (SIGN_OUT, rule(MOVED, anonymous=MOVED, inactive=MOVED)),
    "admin_login": (rule(BARRED), rule(BARRED)),
    "admin_logout": (SIGN_OUT, rule(MOVED, anonymous=MOVED, inactive=MOVED)),
    "healthz": (OPEN, OPEN),
}
DECIDED: dict[str, dict[str, Any]] = {
    "quotes:run_reply": {},
    "quotes:run_decision": {},
    "quotes:run_choose": {"position": 0},
    "quotes:run_record": {"kind": "shown"},
    "quotes:run_proposal": {},
    "quotes:run_packet": {},
}
"""Addresses of a completed run, and what else stands in them."""
FRAGMENTS = {"quotes:run_status": READ, "quotes:readiness": READ}
"""What an address answers to htmx, where that differs."""


def named_routes(resolver: Any = None, prefix: str = "") -> Iterator[str]:
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{prefix}{entry.namespace}:" if entry.namespace else prefix
            yield from named_routes(entry, inner)
        elif isinstance(entry, URLPattern):
            yield f"{prefix}{entry.name or entry.pattern}"


OURS = sorted({name for name in named_routes() if not name.startswith("admin:")})


@pytest.fixture
def world(people, settings, tmp_path) -> dict[str, Any]:
    """One broker's insured with quotes and a queued run, and somebody of every kind."""
    ensure_roles()
    settings.ATTACHMENTS_DIR = tmp_path / "attachments"
    people["admin"].is_superuser = False
    people["admin"].save()
    make_user("roleless", None)
    make_user("inactive", "broker", is_active=False)
    insured = import_example("home_auto.json", people["broker"]).insured
    import_example("home_only.json", people["other"])
    run = queued_run(insured=insured, owner=people["broker"])
    found = insured.quotes.first()
    assert found is not None
    second = queued_run(insured=insured, owner=people["broker"])
    attached = stored_attachment(insured)
    draft = ImportDraft.objects.create(
        owner=people["broker"],
        how=ImportDraft.How.PASTED,
        raw=b'{"applicant": {"name": "N. Body"}}',
    )
    done = completed_run(people["broker"], insured=insured)
    proposal = make_proposal(
        run=done, solutions=list(done.solutions.all()[:2]), notes="", actor=people["broker"]
    )
    rows = {"insured": insured, "run": run, "quote": found, "attachment": attached}
    rows |= {"done": done, "proposal": proposal}
    return {**rows, "second": second, "import": draft}


def address(name: str, world: dict[str, Any]) -> str:
    if name == "quotes:insured_form_row":
        return reverse(name, kwargs={"kind": "drivers"})
    if name == "quotes:run_against":
        return reverse(name, kwargs={"pk": world["run"].pk, "other": world["second"].pk})
    if name in DECIDED:
        return reverse(name, kwargs={"pk": world["done"].pk, **DECIDED[name]})
    if name == "quotes:proposal_page":
        return reverse(name, kwargs={"pk": world["proposal"].pk, "number": 1})
    if name == "quotes:import_template":
        return reverse(name, kwargs={"kind": "csv"})
    plain = {
        "worklist",
        "insured_list",
        "insured_search",
        "insured_create",
        "import_new",
        "run_list",
    }
    short = name.removeprefix("quotes:")
    if not name.startswith("quotes:") or short in {*plain, "read_detail", "run_search"}:
        return reverse(name)
    of_insured = {
        "attachment_add",
        "grid",
        "grid_paste",
        "quote_create",
        "readiness",
        "run_start",
    }
    kind = "insured" if short in of_insured else short.split("_")[0]
    return reverse(name, kwargs={"pk": world[kind].pk})


def browser_of(who: str) -> Client:
    """A browser with a live session; the inactive one's is from before."""
    browser = Client(raise_request_exception=True)
    if who != "anonymous":
        from quotes.models import User

        username = "broker2" if who == "other" else who
        browser.force_login(User.objects.get(username=username))
    return browser


def answered(response: Any, allowed: frozenset[int]) -> bool:
    to_the_door = "/sign-in/?next=" in response.headers.get("Location", "")
    if allowed == DOOR or to_the_door:
        return allowed == DOOR and to_the_door and bool(response.status_code == 302)
    return bool(response.status_code in allowed)


def stored() -> list[list[Any]]:
    """All that a broker's POST could change."""
    return [
        list(model._default_manager.order_by("pk").values())
        for model in (Insured, Quote, QuoteLine, Run, RunEvent, DecisionEvent, Proposal)
    ]


def test_every_address_has_a_rule():
    assert set(OURS) == set(RULES)


@pytest.mark.parametrize("name", OURS)
def test_get(name, world):
    get, _ = RULES[name]
    before = stored()
    wrong = {}
    for who in EVERYBODY:
        response = browser_of(who).get(address(name, world))
        if not answered(response, get[who]):
            wrong[who] = response.status_code
    assert not wrong
    assert stored() == before, "looking changes nothing"


@pytest.mark.parametrize("name", OURS)
def test_post(name, world):
    _, post = RULES[name]
    before = stored()
    wrong = {}
    # Whoever may change something comes last, so that the others find it unchanged.
    taken = False
    for who in sorted(EVERYBODY, key=lambda who: post[who] == TAKEN):
        if post[who] == TAKEN and not taken:
            taken = True
            assert stored() == before, "a refused POST changes nothing"
        response = browser_of(who).post(address(name, world))
        if not answered(response, post[who]):
            wrong[who] = response.status_code
    assert not wrong


@pytest.mark.parametrize("name", [name for name in OURS if name in FRAGMENTS])
def test_fragments_are_no_way_around(name, world):
    for who in SIGNED_IN:
        response = browser_of(who).get(address(name, world), headers={"HX-Request": "true"})
        assert answered(response, FRAGMENTS[name][who]), who


def test_another_brokers_row_looks_like_one_that_does_not_exist(world):
    browser = browser_of("other")
    theirs = browser.get(reverse("quotes:insured_detail", kwargs={"pk": world["insured"].pk}))
    none = browser.get(reverse("quotes:insured_detail", kwargs={"pk": world["run"].pk}))
    assert (theirs.status_code, none.status_code) == (404, 404)

    def body(response: Any) -> str:
        return str(response.content.decode()).split("<main")[1]

    assert body(theirs) == body(none)


@pytest.mark.parametrize(
    "name", ["quotes:worklist", "quotes:insured_list", "quotes:run_list", "quotes:run_search"]
)
@pytest.mark.parametrize("who", ["other", "roleless"])
def test_lists_and_searches_show_nothing_of_another_broker(name, who, world):
    browser = browser_of(who)
    searched = world["insured"].applicant_name
    browser.post(reverse("quotes:insured_search"), {"q": searched})
    browser.post(reverse("quotes:run_search"), {"text": searched})
    response = browser.get(address(name, world).replace("search/", ""))
    page = response.content.decode()
    assert response.status_code == 200
    for hidden in (str(world["insured"].pk), str(world["run"].pk), str(world["quote"].pk)):
        assert hidden not in page


class TestAfterTheSessionEnded:
    """The way back leads to the page the person was on."""

    def test_htmx_sends_the_whole_page_to_sign_in(self, world):
        for name in ("quotes:quote_edit", "quotes:insured_list"):
            page = reverse("quotes:insured_edit", kwargs={"pk": world["insured"].pk})
            response = Client().post(
                address(name, world),
                headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver{page}?a=1"},
            )
            assert response["HX-Redirect"] == f"/sign-in/?next={quote(page + '?a=1', safe='')}"
            assert not response.content

    def test_a_fragment_that_refreshes_itself_does_too(self, world):
        for name in ("quotes:run_status", "quotes:worklist"):
            response = Client().get(address(name, world), headers={"HX-Request": "true"})
            assert urlsplit(response["HX-Redirect"]).path == "/sign-in/"
            assert not response.content

    def test_a_form_row_asked_for_says_so_and_gives_no_row(self, world):
        response = Client().post(
            address("quotes:insured_form_row", world),
            {"drivers-0-name": "Typed Before"},
            headers={"HX-Request": "true"},
        )
        page = response.content.decode()
        assert "You are signed out" in page
        assert "<input" not in page

    def test_a_posted_form_comes_back_to_its_page(self, world):
        page = reverse("quotes:insured_detail", kwargs={"pk": world["insured"].pk})
        start = reverse("quotes:run_start", kwargs={"pk": world["insured"].pk})
        response = Client().post(start, headers={"Referer": f"http://testserver{page}"})
        assert response["Location"] == f"/sign-in/?next={quote(page, safe='')}"

    @pytest.mark.parametrize(
        "page", ["https://evil.example/x", "//evil.example", "", "javascript:x"]
    )
    def test_and_never_to_another_site(self, world, page):
        start = reverse("quotes:run_start", kwargs={"pk": world["insured"].pk})
        for headers in (
            {"Referer": page},
            {"HX-Request": "true", "HX-Current-URL": page},
        ):
            response = Client().post(start, headers=headers)
            where = response.headers.get("HX-Redirect") or response.headers["Location"]
            assert where == "/sign-in/?next=%2F"


class TestDjangoAdmin:
    """Only people of the role, and nothing of the apps that could run code."""

    ADDRESSES = ("/admin/", "/admin/quotes/run/", "/admin/quotes/user/", "/admin/auth/group/")

    @pytest.mark.parametrize("path", ADDRESSES)
    def test_admins_only(self, world, path):
        assert browser_of("admin").get(path).status_code == 200
        for who in NOBODY:
            reply = browser_of(who).get(path, follow=True)
            assert reply.redirect_chain[-1][0].startswith("/sign-in/")
            assert unquote(reply.redirect_chain[-1][0]).endswith(f"next={path}")

    @pytest.mark.parametrize("who", ["broker", "manager", "roleless"])
    @pytest.mark.parametrize("path", ADDRESSES)
    def test_others_are_told_and_do_not_go_in_circles(self, world, who, path):
        response = browser_of(who).get(path, follow=True)
        assert response.status_code == 403
        assert "Your role does not allow this" in response.content.decode()

    def test_a_staff_mark_without_the_role_opens_nothing(self, world):
        make_user("clerk", "broker", is_staff=True)
        browser = browser_of("clerk")
        assert browser.get("/admin/quotes/run/").status_code == 403
        assert browser.get("/admin/quotes/user/").status_code == 403

    def test_no_address_belongs_to_the_queue_or_the_sign_in_library(self):
        names = set(named_routes())
        for app in ("django_q", "account", "sessions", "contenttypes", "admin_logentry"):
            assert not [name for name in names if name.startswith(f"admin:{app}_")]

    @pytest.mark.parametrize(
        "path",
        [
            "/admin/django_q/schedule/",
            "/admin/django_q/schedule/add/",
            "/admin/django_q/success/",
            "/admin/django_q/ormq/",
            "/admin/account/emailaddress/",
            "/admin/sessions/session/",
        ],
    )
    def test_not_even_for_a_superuser(self, world, path):
        root = make_user("root", "admin", is_staff=True, is_superuser=True)
        browser = Client()
        browser.force_login(root)
        assert browser.get(path).status_code == 404
