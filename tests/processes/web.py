"""A web process as an operator starts it, and people who use it over HTTP like a browser."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

from tests.factories import PASSWORD
from tests.processes.worker import ROOT, database_url, eventually

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class WebProcess:
    """A gunicorn under test, on a free port; `environment` goes over what it needs anyhow."""

    def __init__(self, folder: Path, nexio_url: str, **environment: str) -> None:
        folder.mkdir(exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = folder / "web.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py"],
                cwd=ROOT,
                env=os.environ
                | {
                    "WEB_BIND": f"127.0.0.1:{self.port}",
                    "DATABASE_URL": database_url(),
                    "DATA_DIR": str(folder),
                    "DJANGO_SETTINGS_MODULE": "brokerportal.settings",
                    "NEXIO_BASE_URL": nexio_url,
                    "NEXIO_API_KEY": "nx_test_worker_under_test",
                    "SECRET_KEY": "one key for every process of the test, as on several hosts",
                    "LOG_LEVEL": "INFO",
                }
                | environment,
                stdout=log,
                stderr=log,
            )

    def answers(self) -> bool:
        try:
            return self.get("/healthz")[0] == 200
        except OSError:
            return False

    def wait(self) -> None:
        eventually(self.answers, 90, "the web process answers")

    def get(self, path: str, cookies: str = "") -> tuple[int, str]:
        """The status and the page."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers={"Cookie": cookies} if cookies else {})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


class Person:
    """Somebody signed in with name and password, with a browser's cookies and forms."""

    def __init__(self, web: WebProcess, username: str) -> None:
        self.cookies: dict[str, str] = {}
        status, where = self.post(web, "/sign-in/", login=username, password=PASSWORD)
        assert (status, where) == (302, "/"), (status, where)

    def ask(self, web: WebProcess, method: str, path: str, body: str = "") -> tuple[int, str, str]:
        """The status, where it leads to, and the page."""
        connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded"}
        try:
            connection.request(method, path, body=body or None, headers=headers)
            response = connection.getresponse()
            for line in response.headers.get_all("Set-Cookie") or []:
                name, _, rest = line.partition("=")
                self.cookies[name] = rest.split(";")[0]
            page = response.read().decode()
            return response.status, response.headers.get("Location", ""), page
        finally:
            connection.close()

    def post(self, web: WebProcess, path: str, page: str = "", **form: str) -> tuple[int, str]:
        """Send a form that stands on `page`, with its token; the status and where it leads."""
        found = TOKEN.search(self.ask(web, "GET", page or path)[2])
        assert found, f"no form on {page or path}"
        body = urlencode({"csrfmiddlewaretoken": found[1], **form})
        return self.ask(web, "POST", path, body)[:2]
