"""`manage.py take_screenshots`: the pictures of the documentation, taken with a browser.

Starts the app with a database of its own, signs in as the demo's broker, runs a comparison and
photographs what a newcomer would see. Pictures land in docs/pictures/.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from quotes.services.demo import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Page

PICTURES = Path(settings.BASE_DIR) / "docs" / "pictures"


class Command(BaseCommand):
    help = "Take the pictures of the documentation; needs Chromium and what testing needs."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from playwright.sync_api import sync_playwright
        except ImportError:
            raise CommandError("Playwright is needed: make install-dev") from None
        browser = shutil.which("chromium")
        if browser is None:
            raise CommandError("Chromium is needed: apt-get install chromium")
        PICTURES.mkdir(exist_ok=True)
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        with tempfile.TemporaryDirectory() as folder:
            app = start_app(folder, port)
            try:
                wait_for(url, app)
                with sync_playwright() as playwright:
                    chromium = playwright.chromium.launch(
                        executable_path=browser, args=["--no-sandbox"]
                    )
                    page = chromium.new_page(viewport={"width": 1440, "height": 900})
                    take_pictures(page, url)
                    chromium.close()
            finally:
                app.send_signal(signal.SIGINT)
                app.wait(20)


def start_app(folder: str, port: int) -> subprocess.Popen[bytes]:
    """The app under its supervisor with the sandbox, its data in `folder`."""
    ours = ("NEXIO_", "APP_ENV", "DATABASE_URL", "DJANGO_SETTINGS_MODULE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.Popen(  # noqa: S603
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "start"],
        env=kept | {"DATA_DIR": folder, "PORT": str(port), "SANDBOX_PORT": str(free_port())},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Until the app answers; CommandError where it ended instead."""
    for _ in range(300):
        if process.poll() is not None:
            raise CommandError("The app did not start; run `make run` to see why.")
        try:
            urllib.request.urlopen(f"{url}/healthz", timeout=2).close()  # noqa: S310 - our own
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise CommandError("The app did not answer within a minute.")


def take_pictures(page: Page, url: str) -> None:
    page.goto(url)
    picture(page, "sign-in")
    page.get_by_label("Username").fill("broker")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{url}/insureds/")
    page.get_by_role("link", name="Marigold Fairweather").first.click()
    page.get_by_role("button", name="Compare packages").wait_for()
    picture(page, "insured")
    page.get_by_role("button", name="Compare packages").click()
    page.get_by_text("Filtering offerings", exact=True).wait_for(timeout=60_000)
    picture(page, "run")
    page.get_by_text("packages ranked for").first.wait_for(timeout=60_000)
    picture(page, "results")
    page.emulate_media(color_scheme="dark")
    picture(page, "results-dark")
    page.emulate_media(color_scheme="light")
    page.goto(url)
    picture(page, "worklist")
    page.goto(f"{url}/runs/")
    picture(page, "runs")


def picture(page: Page, name: str) -> None:
    page.wait_for_load_state()
    page.screenshot(path=PICTURES / f"{name}.png")
