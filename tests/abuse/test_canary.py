"""A key and a household that are nowhere else, through a run's whole life: where do they show?"""

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import structlog
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from brokerportal.logs import logging_config, logging_dict
from quotes.models import Insured, Run, RunState, User
from quotes.services.links import mail_links
from quotes.services.notices.tending import tend
from quotes.services.roles import ensure_roles
from tests.abuse.asking import every_address
from tests.access.rules import body_of
from tests.access.world import broker_rows
from tests.factories import EXAMPLES, PASSWORD, make_user
from tests.services.watch import Watching, until_state
from tests.test_access import RULES
from tests.views.pages import form_values

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "nx_test_C4naryKeyS3cr3t"
NAME, STREET, BORN = "Quillabeth Canaryworth", "7 Canaryworth Lane", "1971-02-03"
HOUSEHOLD = ("Quillabeth", "Canaryworth", BORN)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What production would log, from DEBUG on, faults included."""
    out = io.StringIO()
    config = logging_dict(level="DEBUG", as_json=True)
    config["handlers"]["stderr"]["stream"] = out
    logging.config.dictConfig(config)
    yield out
    logging_config(level="WARNING", as_json=False)
    structlog.reset_defaults()
    logging_config(level="WARNING", as_json=False)


class Seen:
    """Every answer that a browser got, with its address and the addresses it led to."""

    def __init__(self, who: str) -> None:
        self.browser = Client(raise_request_exception=False)
        signed = self.browser.post("/sign-in/", {"login": who, "password": PASSWORD})
        assert signed.status_code == 302
        self.addresses: list[str] = []
        self.bodies: dict[str, bytes] = {}

    def ask(self, method: str, path: str, data: Any = None, **how: Any) -> Any:
        answer = getattr(self.browser, method)(path, data, **how)
        self.bodies[f"{method} {path}"] = body_of(answer)
        self.addresses.append(path)
        for header in ("Location", "HX-Redirect", "HX-Location", "HX-Push-Url", "HX-Replace-Url"):
            self.addresses.append(answer.headers.get(header, ""))
        self.addresses.append(answer.headers.get("Content-Disposition", ""))
        return answer


def imported(seen: Seen) -> Insured:
    """The canary's household, pasted and confirmed."""
    document = json.loads((EXAMPLES / "home_auto.json").read_bytes())
    document["applicant"] = {"name": NAME, "date_of_birth": BORN}
    document["address"]["street"] = STREET
    to = seen.ask("post", reverse("quotes:import_new"), {"text": json.dumps(document)})
    page = seen.ask("get", to["Location"])
    values = form_values(page.content.decode())
    assert seen.ask("post", to["Location"], values | {"do": "import"}).status_code == 302
    insured: Insured = Insured.objects.get(applicant_name=NAME)
    return insured


def lived(seen: Seen, fake: Any) -> Run:
    """Imported, searched for, compared, watched, read, chosen and taken along."""
    insured = imported(seen)
    for name, field in (("insured_search", "q"), ("run_search", "text")):
        seen.ask("post", reverse(f"quotes:{name}"), {field: NAME})
    seen.ask("get", reverse("quotes:insured_list"))
    page = seen.ask("get", reverse("quotes:insured_detail", args=[insured.pk]))
    values = form_values(page.content.decode())
    start = reverse("quotes:run_start", args=[insured.pk])
    assert seen.ask("post", start, values).status_code == 302
    run: Run = Run.objects.get(insured=insured)
    with Watching(fake, key=KEY):
        until_state(run, RunState.COMPLETED, timeout=60)
    chosen = reverse("quotes:run_choose", args=[run.pk, 0])
    values = form_values(seen.ask("get", chosen).content.decode())
    seen.ask("post", chosen, values | {"reason": f"{NAME} asked for it"})
    seen.ask("post", reverse("quotes:run_comment", args=[run.pk]), {"text": f"Call {NAME}"})
    positions = [str(each.position) for each in run.solutions.all()[:2]]
    to = reverse("quotes:run_proposal", args=[run.pk])
    seen.ask("post", to, {"packages": positions, "notes": f"For {NAME}"})
    seen.ask("post", reverse("quotes:run_packet", args=[run.pk]))
    return run


def mailed(run: Run, person: User) -> None:
    """What the app mails of it: that it ended, and besides a link to set a password."""
    for moment in (timezone.now(), timezone.now() + timedelta(hours=1)):
        tend(moment)
    mail_links([person.pk])


def test_no_fault_is_mailed() -> None:
    """Its page and its log line are all that is made of one: there is no error mail to read."""
    config = logging_dict(level="DEBUG", as_json=True)
    assert {each["class"] for each in config["handlers"].values()} == {"logging.StreamHandler"}


def with_faults(seen: Seen, run: Run, monkeypatch: Any) -> None:
    """Pages that break, saying the household and the key as they do."""

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(f"cannot show {NAME}, born {BORN}, with {KEY}")

    for name, target in (
        ("run_detail", "quotes.views.runs._context"),
        ("insured_list", "quotes.views.insureds.render"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(target, broken)
            args = [run.pk] if name == "run_detail" else []
            answer = seen.ask("get", reverse(f"quotes:{name}", args=args))
            assert answer.status_code == 500
            assert not holds(answer.content, KEY, *HOUSEHOLD)


def holds(text: bytes | str, *words: str) -> list[str]:
    lower = (text if isinstance(text, str) else text.decode(errors="replace")).casefold()
    return [word for word in words if word.casefold() in lower]


def test_a_runs_whole_life_leaves_no_trace_of_key_or_household(
    people, settings, fake_nexio, lines, monkeypatch, tmp_path
):
    """In no log line at any level, no address or file's name, no queue payload, no mail, no page
    for monitors; and the key on no page and in no table at all."""
    ensure_roles()
    settings.ATTACHMENTS_DIR = tmp_path / "attachments"
    settings.NEXIO_URL, settings.NEXIO_KEY, settings.NEXIO_IS_SANDBOX = fake_nexio.url, KEY, False
    settings.DEBUG = False
    settings.ADMINS = settings.MANAGERS = [("Operator", "operator@example.com")]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.MAIL_ON, settings.PORTAL_URL = True, "https://portal.example.com"
    rows = broker_rows(people, make_user("colleague", "broker"))
    broker, manager, admin = Seen("broker"), Seen("manager"), Seen("admin")

    for person in User.objects.all():
        User.objects.filter(pk=person.pk).update(email=f"{person.username}@portal.example.com")
    run = lived(broker, fake_nexio)
    mailed(run, people["broker"])
    world = {**rows, "run": run, "done": run, "insured": run.insured, "person": people["other"]}
    for who, seen in (("broker", broker), ("manager", manager), ("admin", admin)):
        for name, path in every_address(world).items():
            its = 200 in RULES[name][0][who] if name in RULES else who == "admin"
            if its and name != "account_logout":
                seen.ask("get", path)
        with_faults(seen, run, monkeypatch)
    assert any(KEY in request.headers["authorization"] for request in fake_nexio.requests)
    page = broker.bodies[f"get {reverse('quotes:insured_detail', args=[run.insured_id])}"]
    assert holds(page, NAME) == [NAME], "the pages themselves do name the household"

    logged = lines.getvalue()
    assert logged.count("\n") > 20
    assert "RuntimeError" in logged
    assert holds(logged, KEY, "C4naryKey", *HOUSEHOLD) == []
    payloads = [row.payload for row in OrmQ.objects.all()]
    packed = [repr(SignedPackage.loads(payload)) for payload in payloads]
    assert packed
    assert holds("".join(payloads + packed), KEY, *HOUSEHOLD) == []
    mails = [each.message().as_string() for each in mail.outbox]
    assert holds("".join(mails), "/runs/", "password here") == ["/runs/", "password here"]
    assert holds("".join(mails), KEY, *HOUSEHOLD) == []
    for seen in (broker, manager, admin):
        assert holds("\n".join(seen.addresses), KEY, *HOUSEHOLD) == []
        for path, body in seen.bodies.items():
            assert holds(body, KEY, "C4naryKey") == [], path
            if path in {"get /healthz", "get /readyz", "get /operations/"}:
                assert holds(body, *HOUSEHOLD) == [], path
    assert holds(everything_stored(), KEY, "C4naryKey") == []


def everything_stored() -> str:
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            found += [repr(row) for row in cursor.fetchall()]
    return "\n".join(found)
