"""A browser reads every page there is while every text is an attack: nothing of it runs."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from playwright.sync_api import ConsoleMessage, Dialog, Page, Request

from quotes.models import User
from quotes.services.roles import ensure_roles
from tests.abuse.asking import every_address
from tests.abuse.hostile import CHECKED, hostile_world, texts_of
from tests.test_access import RULES
from tests.views.pages import signed_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

LOOK = """() => {
    const odd = [], to = (value) => new URL(value, location.href);
    for (const one of document.querySelectorAll("*")) {
        if (one.localName === "x-evil") odd.push("an element of a text");
        for (const { name, value } of one.attributes) {
            const runs = name.startsWith("on") || name.startsWith("hx-on");
            const sends = name.startsWith("hx-") && /evil|javascript:/i.test(value);
            const leads = ["href", "src", "action", "formaction"].includes(name)
                && (!/^https?:$/.test(to(value).protocol) || to(value).origin !== location.origin
                    || to(value).pathname.startsWith("/evil"));
            if (runs || sends || leads) odd.push(`${one.localName} ${name}=${value}`);
        }
    }
    return { odd, text: document.body.innerText + document.body.innerHTML };
}"""


class Witness:
    """What a page does that no page of ours does."""

    def __init__(self, page: Page, home: str) -> None:
        self.page, self.home = page, home
        self.seen: list[str] = []
        page.on("dialog", self.dialog)
        page.on("console", self.console)
        page.on("pageerror", lambda error: self.seen.append(f"exception: {error}"))
        page.on("request", self.request)
        page.on("popup", lambda popup: self.seen.append(f"popup: {popup.url}"))

    def dialog(self, dialog: Dialog) -> None:
        self.seen.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def console(self, message: ConsoleMessage) -> None:
        where = message.location.get("url", "")
        own_status = message.text.startswith("Failed to load resource: the server responded")
        if own_status and (where == self.page.url or where.endswith("/favicon.ico")):
            return  # a page that is itself refused, and a fragment opened by itself: it has no icon
        if message.type in {"error", "warning"}:
            self.seen.append(f"{message.type}: {message.text} at {where}")

    def request(self, request: Request) -> None:
        if "evil" in request.url or not request.url.startswith(self.home):
            self.seen.append(f"{request.method} {request.url}")


def pages_of(who: str, addresses: dict[str, str]) -> dict[str, str]:
    """What somebody may open, but for downloads; the admin's pages are the administrator's."""
    ours = {
        name: path
        for name, path in addresses.items()
        if name in RULES and RULES[name][0][who] == frozenset({200}) and not is_download(name)
    }
    if who != "admin":
        return ours
    mine = {"quotes:operations", "quotes:operations_run", "quotes:run_list", "quotes:dashboard"}
    return {
        name: path
        for name, path in addresses.items()
        if name in mine or (name.startswith("admin:") and name not in NO_PAGES)
    }


WITHOUT_A_ROW = {
    # Kept figures and signs of life, which hold what we know, and what is left of a purged one.
    "KeptDay.kept_zone", "KeptDay.nexio", "KeptDay.sandbox", "KeptMonth.kept_zone",
    "MonthFigures.data", "Tombstone.counts", "Tombstone.digests", "Tombstone.purged_by",
    "Tombstone.rule", "WorkerBeat.host", "WorkerBeat.version",
}  # fmt: skip
"""Columns of texts that the world of this test has no row for; a new one has to have one."""


def texts_without_a_row(filled: list[str]) -> set[str]:
    models = apps.get_app_config("quotes").get_models()
    every = {f"{each.__name__}.{field.name}" for each in models for field in texts_of(each)}
    return every - set(filled) - CHECKED


NO_PAGES = {"admin:jsi18n", "admin:autocomplete", "admin:view_on_site"}


def is_download(name: str) -> bool:
    ends = ("_csv", "_xlsx", "_pdf", "_download", "_template", "access_review", "_page", "codes")
    return name.endswith(ends) or name in {"healthz", "readyz"}


def test_nothing_that_a_text_says_is_done(
    page: Page, live_server: Any, people: dict[str, User], settings: Any, tmp_path: Any
) -> None:
    """Every page, by broker, manager and administrator, the admin's own pages too: no dialog, no
    request that is not ours, no complaint of the policy, no element or attribute out of a text."""
    ensure_roles()
    world, filled = hostile_world(people, settings, tmp_path)
    assert len(filled) > 50
    assert texts_without_a_row(filled) == WITHOUT_A_ROW
    other = {"run": world["rejected"], "second": world["failed"], "done": world["hostile_run"]}
    views = [world, {**world, **other}]
    page = page.context.new_page()
    witness = Witness(page, live_server.url)
    wrong, shown, count = [], 0, 0
    for who in ("broker", "manager", "admin"):
        cookie = signed_in(people[who]).cookies["sessionid"].value
        page.context.clear_cookies()
        page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
        paths = {
            path: name
            for view in views
            for name, path in pages_of(who, every_address(view)).items()
        }
        for path, name in paths.items():
            answer = page.goto(live_server.url + path, wait_until="load")
            found = page.evaluate(LOOK)
            status = answer.status if answer else 0
            count += 1
            shown += "evil" in found["text"]
            if status not in {200, 403} or found["odd"] or witness.seen:
                wrong.append((who, name, status, found["odd"], list(witness.seen)))
            witness.seen.clear()
    assert not wrong
    assert count > 120
    assert shown > count / 2, "the texts are on the pages that were looked at"
