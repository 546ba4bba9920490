"""What deploy/ says holds together with the code: names, limits, times; and the proxy, run for
real, hands on what it should and nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.core.management import get_commands

from brokerportal.data_keys import data_key_bytes, make_key
from brokerportal.environment import Environment
from quotes.services.supervising import DRAIN_WITHIN

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
NAMES = {*Environment.model_fields, "SECRETS_DIR"}
NOT_OURS = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "POSTGRES_USER", "POSTGRES_DB",
            "POSTGRES_PASSWORD_FILE"}  # fmt: skip
SECRETS = {"SECRET_KEY", "DATA_KEYS", "NEXIO_API_KEY", "DATABASE_URL"}


def needed(program: str | None, package: str) -> str:
    if program is None:
        if os.environ.get("REQUIRE_DEPLOY_TOOLS"):
            pytest.fail(f"nothing here can read deploy/: apt-get install {package}")
        pytest.skip(f"not here: apt-get install {package}")
    return program


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def unit(name: str) -> dict[str, list[str]]:
    """A unit's settings by name; what stands more than once has several values."""
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / "systemd" / name).read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def management_commands(text: str) -> set[str]:
    return set(re.findall(r'manage\.py"?,? "?([a-z_]+)', text))


class TestNames:
    def test_every_variable_is_one_that_the_app_reads(self, compose):
        for name, service in compose["services"].items():
            assert set(service.get("environment", {})) <= NAMES | NOT_OURS, name
            for secret in service.get("secrets", []):
                target = secret if isinstance(secret, str) else secret["target"]
                assert name == "postgres" or target in NAMES, name
        for name in ("portal-web.service", "portal-worker.service"):
            said = unit(name)
            variables = re.findall(r"([A-Z_]+)=", " ".join(said["Environment"]))
            assert {
                *variables,
                *(each.partition(":")[0] for each in said["LoadCredential"]),
            } <= NAMES
        container = (DEPLOY / "Containerfile").read_text().replace("\\\n", " ")
        stated = " ".join(re.findall(r"^(?:ENV|RUN) (.*)$", container, re.MULTILINE))
        assert set(re.findall(r"\b([A-Z][A-Z_]{3,})=", stated)) - {"PIP_NO_CACHE_DIR",
            "PIP_DISABLE_PIP_VERSION_CHECK"} <= NAMES | NOT_OURS  # fmt: skip

    def test_every_command_is_one_that_there_is(self):
        texts = [
            path.read_text()
            for path in DEPLOY.rglob("*")
            if path.is_file() and path.suffix != ".pyc"
        ]
        used = set().union(*(management_commands(text) for text in texts))
        assert used >= {"worker", "migrate", "ensure_roles", "app_role", "collectstatic"}
        assert used <= set(get_commands())

    def test_every_file_that_is_mounted_or_copied_is_there(self, compose):
        for line in (DEPLOY / "Containerfile").read_text().splitlines():
            if line.startswith("COPY") and "--from" not in line:
                for each in line.split()[1:-1]:
                    assert (ROOT / each).exists(), each
        for service in compose["services"].values():
            for mount in service.get("volumes", []):
                source = mount.partition(":")[0]
                if source.startswith("./") and "secrets" not in source:
                    assert (DEPLOY / source).is_file(), source

    def test_the_image_takes_in_what_it_copies_and_nothing_else(self):
        ignored = (ROOT / ".dockerignore").read_text().splitlines()
        assert "*" in ignored
        allowed = {line[1:] for line in ignored if line.startswith("!")}
        copies = re.findall(
            r"^COPY (?!--from)(.*) \S+$", (DEPLOY / "Containerfile").read_text(), re.M
        )
        copied = {each.split("/")[0] for line in copies for each in line.split()}
        assert copied == allowed


class TestSecrets:
    def test_none_is_written_down(self, compose):
        for name, service in compose["services"].items():
            for variable, value in service.get("environment", {}).items():
                secret = variable in SECRETS or re.search("PASSWORD|KEY|TOKEN", variable)
                assert not secret or variable.endswith("_FILE") or not value, (name, variable)
        for secret in compose["secrets"].values():
            assert set(secret) == {"file"}
        ignored = (ROOT / ".gitignore").read_text().splitlines()
        assert "deploy/secrets/" in ignored

    def test_web_and_worker_have_each_and_only_postgres_its_own(self, compose):
        services = compose["services"]
        assert set(services["web"]["secrets"]) == set(services["worker"]["secrets"]) == SECRETS
        assert services["migrate"]["secrets"][-1] == {
            "source": "DATABASE_URL_OWNER", "target": "DATABASE_URL",
        }  # fmt: skip
        for name in ("portal-web.service", "portal-worker.service"):
            loaded = {each.partition(":")[0] for each in unit(name)["LoadCredential"]}
            assert loaded == SECRETS


class TestPortalManage:
    """What it hands to systemd-run, which is stood in for: none runs where tests do."""

    @pytest.fixture
    def asked(self, tmp_path):
        stand_in = tmp_path / "systemd-run"
        stand_in.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
        stand_in.chmod(0o755)

        def run(*words: str) -> list[str]:
            done = subprocess.run(
                [DEPLOY / "portal-manage", *words],
                env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
            )  # fmt: skip
            return done.stdout.splitlines()

        return run

    def test_a_command_has_the_account_the_secrets_and_the_environment_of_the_worker(self, asked):
        given, worker = asked("purge", "--really"), unit("portal-worker.service")
        assert given[-3:] == ["manage.py", "purge", "--really"]
        assert [f"--uid={worker['User'][0]}", f"--gid={worker['Group'][0]}"] == [
            each for each in given if each.startswith(("--uid", "--gid"))
        ]
        assert f"--working-directory={worker['WorkingDirectory'][0]}" in given
        for name in ("EnvironmentFile", "LoadCredential", "UMask"):
            properties = [each.partition("=")[2] for each in given if each.startswith("--prop")]
            assert [each for each in properties if each.startswith(name)] == [
                f"{name}={value}" for value in worker[name]
            ]
        said = set(worker["Environment"][0].split()) - {"SECRETS_DIR=%d"}
        assert {each.removeprefix("--setenv=") for each in given if "--setenv" in each} == said
        assert worker["ExecStart"][0].removesuffix("worker") in given[-4]

    def test_the_owner_s_role_is_taken_where_it_is_asked_for(self, asked):
        usual, owner = asked("migrate"), asked("--owner", "migrate")
        assert [pair for pair in zip(usual, owner, strict=True) if len(set(pair)) > 1] == [
            tuple(
                f"--property=LoadCredential=DATABASE_URL:/etc/portal/secrets/{name}"
                for name in ("DATABASE_URL", "DATABASE_URL_OWNER")
            )
        ]


class TestStopping:
    """Nothing is killed while it does what it was asked to finish."""

    def test_a_worker_has_longer_than_its_drain(self, compose):
        assert _seconds(compose["services"]["worker"]["stop_grace_period"]) > DRAIN_WITHIN + 5
        said = unit("portal-worker.service")
        assert float(said["TimeoutStopSec"][0]) > DRAIN_WITHIN + 5
        assert said["KillMode"] == ["process"]

    def test_a_web_has_longer_than_gunicorn_waits(self, compose):
        graceful = int(_gunicorn()["graceful_timeout"])
        assert _seconds(compose["services"]["web"]["stop_grace_period"]) > graceful
        assert float(unit("portal-web.service")["TimeoutStopSec"][0]) > graceful

    def test_the_proxy_lets_go_of_connections_first(self):
        text = (DEPLOY / "nginx.conf").read_text()
        kept = re.search(r"keepalive_timeout (\d+)s", text)
        assert kept is not None
        assert int(kept[1]) < int(_gunicorn()["keepalive"])


def _seconds(value: str) -> int:
    return int(value.removesuffix("s"))


def _gunicorn() -> dict[str, str]:
    text = (DEPLOY / "gunicorn.conf.py").read_text()
    return dict(re.findall(r"^(\w+) = (.+)$", text, re.MULTILINE))


def test_containers_run_as_nobody_special_and_write_only_where_they_must(compose):
    assert re.search(r"^USER 10001:10001$", (DEPLOY / "Containerfile").read_text(), re.MULTILINE)
    for name in ("web", "worker", "migrate"):
        service = compose["services"][name]
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["init"] is True, name


def test_units_are_ones_that_systemd_takes(tmp_path):
    program = needed(shutil.which("systemd-analyze"), "systemd")
    for path in (DEPLOY / "systemd").iterdir():
        # At the place where this Python is: it checks that what is started exists.
        text = path.read_text().replace("/opt/portal/venv/bin/", f"{Path(sys.executable).parent}/")
        (tmp_path / path.name).write_text(text)
    units = [str(tmp_path / path.name) for path in (DEPLOY / "systemd").iterdir()]
    done = subprocess.run(
        [program, "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert "portal-" not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr


def test_a_secret_may_stand_in_a_file(tmp_path):
    program = "from brokerportal.environment import read_environment as read; e = read()\n"
    program += "print(len(e.SECRET_KEY.get_secret_value()), repr(e.SECRET_KEY), e.production)"

    def read(**environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "APP_ENV": "production",
                 "ALLOWED_HOSTS": "portal.example.com", **environment},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    key = "kTz3-Wq9_vR7xLm2Pn8sYb4Hd6Gf1Jc5QaUeIoZp"
    (tmp_path / "SECRET_KEY").write_text(f"{key}\n")
    (tmp_path / "NEXIO_API_KEY").write_text("nx_live_example\n")
    (tmp_path / "DATA_KEYS").write_text(f"{make_key()}\n")
    assert read(SECRETS_DIR=str(tmp_path)).stdout == f"{len(key)} SecretStr('**********') True\n"
    refused = read(SECRETS_DIR=str(tmp_path / "none"))
    assert "SECRETS_DIR: is no folder" in refused.stderr
    (tmp_path / "SECRET_KEY").write_text("short-one\n")
    refused = read(SECRETS_DIR=str(tmp_path))
    assert "SECRET_KEY: must be a secret of at least 32" in refused.stderr
    assert "short-one" not in refused.stderr


def test_a_data_key_is_made_where_production_has_none_yet():
    done = subprocess.run(
        [sys.executable, "manage.py", "make_data_key"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "APP_ENV": "production"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert data_key_bytes(done.stdout.strip()) is not None


def test_a_web_server_with_a_wrong_environment_says_what_is_wrong_and_ends(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "APP_ENV": "production", "WEB_BIND": "everywhere",
             "SECRET_KEY": "changeme"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    named = set(re.findall(r"^  (\w+): ", done.stderr, re.MULTILINE))
    assert named >= {"SECRET_KEY", "WEB_BIND", "ALLOWED_HOSTS", "NEXIO_API_KEY"}
    assert "changeme" not in done.stderr


# The proxy, run for real ----------------------------------------------------------------------


class Echo(BaseHTTPRequestHandler):
    """In the app's place: answers with the headers that reached it."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Request-ID", "0123abcd")
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        pass


class Proxy:
    """nginx with deploy/nginx.conf, on ports and in a folder of its own."""

    def __init__(self, folder: Path, upstream: int, program: str) -> None:
        self.plain, self.secure = _free_port(), _free_port()
        self.folder = folder
        _certificate(folder)
        text = (DEPLOY / "nginx.conf").read_text()
        for was, now in (
            # Two web hosts, of which one is away.
            ("server web:8000;", f"server 127.0.0.1:{upstream}; server 127.0.0.1:{_free_port()};"),
            ("listen 80;", f"listen 127.0.0.1:{self.plain};"),
            ("listen [::]:80;", ""),
            ("listen 443 ", f"listen 127.0.0.1:{self.secure} "),
            ("listen [::]:443 ssl default_server;", ""),
            ("listen [::]:443 ssl http2;", ""),
            ("/etc/nginx/tls/", f"{folder}/"),
            ("/var/log/nginx/", f"{folder}/"),
        ):
            assert was in text, was
            text = text.replace(was, now)
        (folder / "portal.conf").write_text(text)
        temp = " ".join(f"{name}_temp_path {folder}/{name};" for name in (
            "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))  # fmt: skip
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; error_log {folder}/main.log; user root;\n"
            f"events {{}}\nhttp {{ {temp} include {folder}/portal.conf; }}\n"
        )
        self.command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]

    def ask(
        self, request: str, *, port: int | None = None, name: str = "portal.example.com"
    ) -> tuple[int, dict[str, str], str]:
        """The status, headers and body of the answer to what is sent, byte for byte."""
        sock = socket.create_connection(("127.0.0.1", port or self.secure), timeout=10)
        if port != self.plain:
            context = ssl.create_default_context(cafile=str(self.folder / "portal.crt"))
            sock = context.wrap_socket(sock, server_hostname=name)
        with sock, sock.makefile("rwb") as stream:
            stream.write(request.replace("\n", "\r\n").encode())
            stream.flush()
            status = int(stream.readline().split()[1])
            headers: dict[str, str] = {}
            while line := stream.readline().decode().strip():
                key, _, value = line.partition(":")
                headers[key.lower()] = value.strip()
            body = stream.read(int(headers.get("content-length", 0))).decode()
        return status, headers, body


@pytest.fixture(scope="module")
def proxy(tmp_path_factory) -> Iterator[Proxy]:
    program = needed(NGINX, "nginx-light")
    app = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=app.serve_forever, args=(0.05,), daemon=True).start()
    proxy = Proxy(tmp_path_factory.mktemp("nginx"), app.server_address[1], program)
    tested = subprocess.run([*proxy.command, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    assert "[warn]" not in tested.stderr
    running = subprocess.Popen(proxy.command, stderr=subprocess.DEVNULL)
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        try:
            socket.create_connection(("127.0.0.1", proxy.secure), timeout=1).close()
            break
        except OSError:
            time.sleep(0.05)
    yield proxy
    running.terminate()
    running.wait(20)
    app.shutdown()
    app.server_close()


GET = "GET {path} HTTP/1.1\nHost: portal.example.com\n{more}Connection: close\n\n"


class TestProxy:
    @pytest.mark.parametrize("path", ["/", "/readyz"])
    def test_forwarded_headers_are_its_own_whatever_came(self, proxy, path):
        forged = "".join(f"{name}: forged\n" for name in (
            "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port",
            "X-Real-IP", "Forwarded", "Proxy", "Remote-User"))  # fmt: skip
        status, _, body = proxy.ask(GET.format(path=path, more=forged))
        seen = json.loads(body)
        assert status == 200
        assert seen["x-forwarded-for"] == "127.0.0.1"
        assert seen["x-forwarded-proto"] == "https"
        assert seen["host"] == "portal.example.com"
        gone = {"x-forwarded-host", "x-forwarded-port", "x-real-ip", "forwarded", "proxy"}
        assert not gone & set(seen)

    def test_a_web_host_that_is_away_costs_nobody_an_answer(self, proxy):
        """Form or page: what could not reach one host goes to the other."""
        forms = GET.replace("GET", "POST").format(path="/runs/", more="Content-Length: 0\n")
        for request in (forms, GET.format(path="/runs/", more="")) * 3:
            assert proxy.ask(request)[0] == 200

    def test_plain_http_is_sent_to_https(self, proxy):
        status, headers, _ = proxy.ask(GET.format(path="/runs/", more=""), port=proxy.plain)
        assert (status, headers["location"]) == (301, "https://portal.example.com/runs/")

    def test_another_name_gets_no_answer(self, proxy):
        with pytest.raises(ssl.SSLError):
            proxy.ask(GET.format(path="/", more=""), name="other.example.com")

    def test_the_largest_body_is_that_of_the_app(self, proxy):
        text = (DEPLOY / "nginx.conf").read_text()
        assert f"client_max_body_size {settings.LARGEST_UPLOAD // 1024**2}m;" in text
        more = f"Content-Length: {settings.LARGEST_UPLOAD + 1}\n"
        request = GET.format(path="/", more=more).replace("GET", "POST")
        assert proxy.ask(request)[0] == 413

    def test_its_log_names_no_address_and_the_apps_request_id(self, proxy):
        proxy.ask(
            GET.format(path="/insureds/Canary-Name/?q=Canary-Name", more="Referer: /Canary\n")
        )
        proxy.ask(GET.format(path='/Canary"Name', more=""))
        lines = (proxy.folder / "access.log").read_text()
        assert "Canary" not in lines
        said = [json.loads(line) for line in lines.splitlines()]
        assert ("/insureds", "0123abcd") in [(each["page"], each["request_id"]) for each in said]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "portal.example.com")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("portal.example.com")]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "portal.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "portal.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
