"""A web process after a storm: what it shows to whoever looks after the app, and what it logs.

It is the app's own server, asked over HTTP. Brokers' pages, searches and addresses that lead
nowhere are asked for as well, so that its log had something to say of households.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
from django.conf import settings
from django.test import Client

from chaos.canaries import SURNAME
from chaos.loading import BROKER, somebody
from chaos.processes import Restarted
from quotes.models import Role, Run, User

NAMELESS = ("/healthz", "/readyz", "/admin/", "/admin/quotes/user/", "/access-log/?deed=signed_in")
"""Pages that name no household. The list of runs to see to does, to administrators."""
NAMING = ("/operations/", "/operations/?group=lost")
SEARCHES = {"/insureds/search/": "q", "/runs/search/": "text"}
"""Where a household is looked for, and in which field of the form."""
ANSWERS = (200, 503)
"""Well, or that something is not: after a storm no worker serves any more."""
START_WITHIN = 60.0


class Web(Restarted):
    """The app's web server, as `deploy/` starts it, on a port of its own."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.url = f"http://{address}"
        super().__init__(
            ["-m", "gunicorn", "--config", "deploy/gunicorn.conf.py"],
            # Sessions are opened here and used there.
            {**env, "WEB_BIND": address, "SECRET_KEY": str(settings.SECRET_KEY)},
            folder / "web.log",
        )

    def wait(self) -> None:
        """Until it answers. Raises RuntimeError where it does not."""
        ends = time.monotonic() + START_WITHIN
        while self.process.poll() is None and time.monotonic() < ends:
            try:
                httpx.get(f"{self.url}/healthz", trust_env=False)
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return
        raise RuntimeError(f"the web process did not start: see {self.log}")


@contextmanager
def web(folder: Path, env: Mapping[str, str]) -> Iterator[Web]:
    """One that answers, and has ended afterwards."""
    process = Web(folder, env)
    try:
        process.wait()
        yield process
    finally:
        process.terminate()
        if process.ended(30) is None:
            process.kill()
            process.ended(30)


def signed_in(url: str, person: User) -> httpx.Client:
    """A browser with a session of this person's."""
    browser = Client()
    browser.force_login(person)
    cookies = {settings.SESSION_COOKIE_NAME: browser.cookies[settings.SESSION_COOKIE_NAME].value}
    return httpx.Client(base_url=url, cookies=cookies, trust_env=False, timeout=60)


def pages_for_operators(url: str, addresses: Iterable[str]) -> Iterator[bytes]:
    """Each of these pages as an administrator gets it, its headers too. Raises RuntimeError where
    one does not answer, since a page that was not seen is not clean."""
    admin = somebody("storm-admin", Role.ADMIN, is_staff=True, is_superuser=True)
    with signed_in(url, admin) as browser:
        for address in addresses:
            yield _content(address, browser.get(address))


def pages_of_brokers(url: str, runs: Iterable[Run]) -> Iterator[bytes]:
    """What the runs' broker reads of these and looks for: the household stands on all of it.

    Addresses that there are not, with the household's name in them, are asked for besides.
    """
    with signed_in(url, somebody(BROKER, Role.BROKER)) as browser:
        for address in ("/", "/insureds/", "/runs/"):
            yield _content(address, browser.get(address))
        for run in runs:
            for address in (f"/insureds/{run.insured_id}/", f"/runs/{run.pk}/"):
                yield _content(address, browser.get(address))
        for address, field in SEARCHES.items():
            token = {"X-CSRFToken": browser.cookies[settings.CSRF_COOKIE_NAME]}
            found = browser.post(
                address, data={field: SURNAME}, headers=token, follow_redirects=True
            )
            yield _content(address, found)
        for address in (f"/insureds/{SURNAME}/", f"/?q={SURNAME}"):
            browser.get(address)


def _content(address: str, answer: httpx.Response) -> bytes:
    if answer.status_code not in ANSWERS:
        raise RuntimeError(f"{address} answered {answer.status_code}")
    return repr(dict(answer.headers)).encode() + answer.content
