"""GET and HEAD write nothing but who looked; and no address takes a question it does not offer."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from quotes.models import AuditEvent, OpenSession, Run, User
from tests.abuse.asking import changed, every_address, fingerprint, tables
from tests.access.rules import body_of
from tests.access.world import OURS, ROUTES, browser_of, enrolled_world
from tests.test_access import RULES

pytestmark = pytest.mark.django_db
world = enrolled_world
HTMX = {"HX-Request": "true"}


@pytest.mark.parametrize("who", ["anonymous", "broker", "other", "manager", "admin"])
def test_looking_writes_nothing(world, who):
    """Every address by GET and HEAD, as a page and by htmx: every table of the database is the
    same to the byte afterwards, but for the access log, sessions and the counting of attempts."""
    browser = browser_of(who)
    addresses = every_address(world)
    browser.get(reverse("quotes:worklist"))  # from here on its session knows when it began
    before, open_before = tables(), open_sessions()
    looked_at(browser, addresses)
    assert open_sessions() == open_before
    if not changed(before, tables()):
        return
    # It is known that something wrote; now each by itself, to say which.
    wrote = {}
    for name, path in addresses.items():
        before = tables()
        looked_at(browser, {name: path})
        if differs := changed(before, tables()):
            wrote[name] = differs
    pytest.fail(f"looking wrote: {wrote or 'once, and not again'}")


def open_sessions() -> list[tuple[Any, ...]]:
    """Whose sessions are open, and since when: nothing of it changes by looking."""
    return sorted(OpenSession.objects.values_list("session_key", "user_id", "signed_in_at"))


def looked_at(browser: Client, addresses: dict[str, str]) -> None:
    for name, path in addresses.items():
        for method, headers in (("GET", {}), ("GET", HTMX), ("HEAD", {})):
            answer = browser.generic(method, path, headers=headers)
            body_of(answer)
            assert answer.status_code < 500 or name == "readyz", (name, answer.status_code)


def test_what_is_left_aside_is_what_looking_may_write(world):
    """The control: the digest sees a single changed cell, and a look does write its entry."""
    before = tables(aside=())
    browser_of("broker").get(reverse("quotes:run_detail", args=[world["run"].pk]))
    told = changed(before, tables(aside=()))
    assert "quotes_auditevent" in told
    assert set(told) <= {"quotes_auditevent", "quotes_opensession", "quotes_user"}
    Run.objects.filter(pk=world["run"].pk).update(polls=1)
    assert "quotes_run" in changed(before, tables(aside=()))
    assert AuditEvent.objects.filter(run_ref=world["run"].pk).exists()


SECRETS = ("password", "is_superuser", "last_login", "email")


def relations(model: Any, deep: int = 3) -> set[str]:
    """Ways from a model to a person's columns, as a lookup would name them."""
    found: set[str] = set()
    for field in model._meta.get_fields():
        if not field.is_relation or not field.related_model or getattr(field, "hidden", False):
            continue
        name = field.name
        if field.related_model is User:
            found |= {f"{name}__{secret}" for secret in SECRETS}
        elif deep > 1 and not field.auto_created:
            found |= {f"{name}__{rest}" for rest in relations(field.related_model, deep - 1)}
    return found


LOOKUPS = sorted(
    {
        f"{way}__startswith"
        for model in apps.get_app_config("quotes").get_models()
        for way in relations(model)
        if way.endswith("password")
    }
)
LISTS = [name for name in OURS if not ROUTES[name] and name.startswith("quotes:")]


def asked_of(name: str, who: str) -> bool:
    return RULES[name][0][who] == frozenset({200})


@pytest.mark.parametrize("who", ["broker", "manager"])
def test_a_list_takes_no_lookup(world, who, time_machine):
    """A guess at a column of another table, right or wrong, by every way that leads to one, in
    the query or as an order: the answer is the same to the byte, so it tells nothing."""
    time_machine.move_to(timezone.now(), tick=False)  # pages say how long ago things were
    assert len(LOOKUPS) > 20
    browser = browser_of(who)
    browser.get(reverse("quotes:worklist"))  # from here on pages know when the session ends
    told = []
    for name in LISTS:
        if not asked_of(name, who) or name.endswith(("xlsx", "csv")):
            continue
        path = reverse(name)
        right = dict.fromkeys(LOOKUPS, "md5$")
        wrong = dict.fromkeys(LOOKUPS, "zzzz")
        if unlike(browser.get(path, right), browser.get(path, wrong), "md5%24", "md5$", "zzzz"):
            told.append((name, "lookup"))
        plain = browser.get(path, {"sort": "nonsense", "order": "nonsense", "order_by": "nonsense"})
        for order in ("owner__password", "-insured__owner__password", "?", "password", "pk;drop"):
            by = {"sort": order, "order": order, "order_by": order, "o": order}
            if unlike(browser.get(path, by), plain, order, "nonsense"):
                told.append((name, order))
    assert not told


def unlike(one: Any, other: Any, *said: str) -> bool:
    """Whether two answers differ otherwise than by repeating what was asked."""
    return fingerprint(one, *said)[0::3] != fingerprint(other, *said)[0::3]


def test_the_admin_takes_no_lookup_it_does_not_offer(world):
    """Every list of the admin, with every way to a person's secrets from its model, and ordered by
    columns that it does not show."""
    browser = browser_of("admin")
    lists = [name for name in ROUTES if name.startswith("admin:") and name.endswith("_changelist")]
    assert len(lists) > 10
    taken: list[tuple[Any, ...]] = []
    for name in lists:
        app, of = name.removeprefix("admin:").removesuffix("_changelist").split("_")
        model = apps.get_model(app, of)
        ways = {f"{way}__startswith" for way in relations(model) if "password" in way}
        for way in ways | {"password__startswith", "pk__in", "owner__password__regex"}:
            answer = browser.get(reverse(name), {way: "m"})
            if answer.status_code not in {302, 400, 403}:
                taken.append((name, way, answer.status_code))
        for order in ("99", "-1.password", "password", "1.2.3.999", "a.b", "owner__password"):
            answer = browser.get(reverse(name), {"o": order})
            ordered = str(answer.context["cl"].queryset.query).partition("ORDER BY")[2]
            if "password" in ordered:
                taken.append((name, order, ordered))
    assert not taken


@pytest.mark.parametrize(
    "query",
    [
        "page=999999999999999999999", "page=-1", "page=1e9", "page=0x10", "page=%00", "p=99999999",
        "per_page=100000000", "page_size=100000000", "limit=100000000", "show=all", "all=1",
        "after=x", "before=-1", "cursor=..%2F..%2Fetc", "broker=1+OR+1", "broker=1&broker=2",
        "from=9999-99-99", "from=0000-00-00", "to=99999-01-01", "state=%27%3B--",
        "label=%F0%9F%92%A9", "q=" + "%25" * 3000, "text=" + "a" * 7000, "sort=" + "a" * 5000,
        "&".join(["a=1"] * 900),
        "state=\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    ],
    ids=range(26),
)  # fmt: skip
def test_odd_questions_are_answered_with_no_more_than_a_page(world, query):
    """Huge pages, numbers that are none and endless values: an answer without a fault, no larger
    and with no more statements than the list has by itself."""
    browser = browser_of("admin")
    for name in LISTS:
        if not asked_of(name, "admin"):
            continue
        path = reverse(name)
        with CaptureQueriesContext(
            connection,
        ) as usual:
            plain = body_of(browser.get(path))
        with CaptureQueriesContext(connection) as asked:
            answer = browser.get(f"{path}?{query}")
            body = body_of(answer)
        assert answer.status_code in {200, 302, 400, 404}, (name, answer.status_code)
        assert len(asked) <= len(usual) + 6, name
        if answer.status_code == 200:
            assert len(body) <= len(plain) + 40_000 + 4 * len(query), name


@pytest.mark.parametrize("length", [201, 5_000, 400_000])
def test_an_endless_search_is_cut_or_refused(world, length):
    """What is searched for is kept with the session: nobody fills it."""
    browser = browser_of("broker")
    for name, field in (("insured_search", "q"), ("run_search", "text")):
        answer = browser.post(reverse(f"quotes:{name}"), {field: "x" * length})
        assert answer.status_code in {302, 400, 413, 422}
        kept = [str(value) for value in dict(browser.session).values()]
        assert max(map(len, kept)) < 2_000
