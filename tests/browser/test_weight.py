"""What a first visit weighs on the wire, and whether what is drawn stays where it is: Chromium
against production's own server, every page as full as a busy broker's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser

from bench import desk, seed_runs
from quotes.models import User
from tests.browser.production import served
from tests.views.pages import signed_in

MOST_BYTES = 60_000
RUNS = 100
SHIFTS = """
window.shifted = [];
new PerformanceObserver((seen) => {
  // Columns of a table that is painted before its last row has come may still move a little.
  for (const entry of seen.getEntries().filter((each) => each.value > 0.05))
    for (const source of entry.sources) {
      const [was, is] = [source.previousRect, source.currentRect];
      const what = source.node?.outerHTML?.slice(0, 120) ?? source.node?.textContent;
      window.shifted.push(`${what}: ${was.x},${was.y} to ${is.x},${is.y}`);
    }
}).observe({type: "layout-shift", buffered: true});
"""
DRAWN_TWICE = "() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))"


@pytest.fixture(scope="module")
def production(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("production")) as address:
        yield address


@pytest.fixture
def visit(browser: Browser, production: str) -> Iterator[Callable[..., dict[str, Any]]]:
    """Opens an address with nothing cached; bytes that came, by address, and what moved."""
    contexts = []

    def act(path: str, user: User | None = None) -> dict[str, Any]:
        context = browser.new_context()
        contexts.append(context)
        if user is not None:
            value = signed_in(user).cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": value, "url": production}])
        context.add_init_script(SHIFTS)
        page = context.new_page()
        wire = context.new_cdp_session(page)
        addresses: dict[str, str] = {}
        came: dict[str, float] = {}
        wire.on("Network.responseReceived", lambda said: addresses.update(
            {said["requestId"]: said["response"]["url"]}))  # fmt: skip
        wire.on("Network.loadingFinished", lambda said: came.update(
            {said["requestId"]: said["encodedDataLength"]}))  # fmt: skip
        wire.send("Network.enable")
        reply = page.goto(production + path)
        assert reply is not None
        assert reply.status == httpx.codes.OK
        page.wait_for_load_state("networkidle")
        page.evaluate(DRAWN_TWICE)
        return {
            "bytes": {addresses[request]: int(size) for request, size in came.items()},
            "shifted": page.evaluate("window.shifted"),
            "address": page.url.removeprefix(production),
        }

    yield act
    for context in contexts:
        context.close()


@pytest.mark.timeout(300)
@pytest.mark.django_db(transaction=True)
def test_every_page_is_light_at_first_sight_and_nothing_on_it_moves(
    visit: Callable[..., dict[str, Any]],
) -> None:
    people = seed_runs.seed(RUNS, until=timezone.now(), brokers=3, offices=2)
    broker = people.brokers[0]
    desk.lay(broker)
    insured, run = desk.insured_on(broker), desk.run_with_packages(broker)
    asked = {
        "sign-in": ("/sign-in/", None),
        "worklist": ("/", broker),
        "insureds": (reverse("quotes:insured_list"), broker),
        "insured": (reverse("quotes:insured_detail", args=[insured.pk]), broker),
        "under way": (reverse("quotes:run_detail", args=[desk.run_under_way(broker).pk]), broker),
        "results": (reverse("quotes:run_detail", args=[run.pk]), broker),
        "runs": (reverse("quotes:run_list"), people.admin),
        "dashboard": (reverse("quotes:dashboard"), people.admin),
    }
    seen = {name: visit(path, user) for name, (path, user) in asked.items()}
    heavy = {
        name: dict(sorted(each["bytes"].items(), key=lambda one: -one[1]))
        for name, each in seen.items()
        if sum(each["bytes"].values()) > MOST_BYTES
    }
    assert heavy == {}
    assert {name: each["shifted"] for name, each in seen.items() if each["shifted"]} == {}
    assert [seen[name]["address"] for name in seen] == [path for path, _ in asked.values()]


def test_what_a_page_needs_is_fingerprinted_compressed_and_kept_for_good(production: str) -> None:
    with httpx.Client(base_url=production) as asks:
        page = asks.get("/sign-in/")
        assert page.headers["Content-Encoding"] == "gzip"
        assert "no-store" in page.headers["Cache-Control"]
        needed = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
        assert {name.rpartition(".")[2] for name in needed} == {"css", "js", "svg"}
        assert sum(name.endswith(".css") for name in needed) == 1
        for name in needed:
            assert re.search(r"\.[0-9a-f]{12}\.\w+$", name)
            file = asks.get(name, headers={"Accept-Encoding": "br"})
            assert "immutable" in file.headers["Cache-Control"]
            assert file.headers["Content-Encoding"] == "br"
            assert file.headers["X-Content-Type-Options"] == "nosniff"
            assert "Set-Cookie" not in file.headers


def test_the_length_of_a_page_tells_nothing_of_what_is_in_it(production: str) -> None:
    """The same page again and again: another token each time, and another length."""
    asked = {"Accept-Encoding": "gzip"}
    with httpx.Client(base_url=production, headers=asked) as asks:
        pages = [asks.get("/sign-in/") for _ in range(12)]
    tokens = {re.search(r'csrfmiddlewaretoken" value="(\w+)"', each.text) for each in pages}
    assert len({found and found[1] for found in tokens}) == len(pages)
    assert len({each.headers["Content-Length"] for each in pages}) > len(pages) / 2
