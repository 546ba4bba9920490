"""One broker's work and somebody of every kind who asks for it; where each address leads to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from django.apps import apps
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from quotes.models import (
    Comment,
    DecisionEvent,
    ImportDraft,
    Insured,
    InsuredShare,
    Notice,
    Office,
    Proposal,
    Quote,
    QuoteLine,
    ReviewRequest,
    Run,
    RunEvent,
    SavedView,
    User,
)
from quotes.services.proposals import make_proposal
from quotes.services.review.revisits import ask_to_revisit
from quotes.services.roles import ensure_roles
from quotes.services.sharing import share_insured
from tests.access.enrolled import enrol, mark_confirmed
from tests.factories import (
    import_example,
    make_people,
    make_user,
    queued_run,
    stored_attachment,
)
from tests.runs import completed_run
from tests.standing import standing

World = dict[str, Any]


def routes(resolver: Any = None, prefix: str = "") -> Iterator[tuple[str, frozenset[str]]]:
    """Every address by its name, with the names of what stands in it."""
    for entry in (resolver or get_resolver()).url_patterns:
        inside = frozenset(entry.pattern.converters)
        if isinstance(entry, URLResolver):
            inner = f"{prefix}{entry.namespace}:" if entry.namespace else prefix
            for name, deeper in routes(entry, inner):
                yield name, inside | deeper
        elif isinstance(entry, URLPattern):
            yield f"{prefix}{entry.name or entry.pattern}", inside


ROUTES = dict(routes())
OURS = sorted(name for name in ROUTES if not name.startswith("admin:"))

OF: dict[str, str] = {
    # Addresses whose `pk` is not of the kind that their name begins with.
    "attachment_add": "insured",
    "grid": "insured",
    "grid_paste": "insured",
    "quote_create": "insured",
    "readiness": "insured",
    "run_start": "insured",
    "run_reply": "done",
    "run_decision": "done",
    "run_choose": "done",
    "run_package": "done",
    "run_record": "done",
    "run_proposal": "done",
    "run_packet": "done",
    "operations_run": "run",
    "operations_act": "run",
    "second_factor_reset": "person",
    "sessions_of_person": "person",
}
STATED: dict[str, Callable[[World], dict[str, Any]]] = {
    # What stands in an address beside `pk`.
    "insured_form_row": lambda world: {"kind": "drivers"},
    "import_template": lambda world: {"kind": "csv"},
    "run_against": lambda world: {"other": world["second"].pk},
    "run_choose": lambda world: {"position": 0},
    "run_package": lambda world: {"position": 0},
    "run_record": lambda world: {"kind": "shown"},
    "review_settle": lambda world: {"act": "answer"},
    "operations_act": lambda world: {"code": "abandon"},
    "proposal_page": lambda world: {"number": 1},
    "password_link": lambda world: {"uidb64": "MQ", "token": "set-password"},
}


ADMIN_ABOUT: dict[str, dict[str, Any]] = {
    # What stands in an address of the admin, where it is no row's id.
    "admin:app_list": {"app_label": "quotes"},
    "admin:view_on_site": {"content_type_id": 1, "object_id": 1},
}


def address(name: str, world: World) -> str:
    short = name.removeprefix("quotes:")
    if name == "mfa_remove_webauthn":
        return reverse(name, kwargs={"pk": 1})
    inside = STATED[short](world) if short in STATED else {}
    if "pk" in ROUTES[name]:
        inside["pk"] = world[OF.get(short, short.split("_")[0])].pk
    return reverse(name, kwargs=inside)


@contextmanager
def world_standing(blocker: Any, attachments: Path) -> Iterator[World]:
    """One broker's insured with quotes and runs, and somebody of every kind, for a whole module.

    Everybody has a second factor but for `bare`.
    """
    with standing(blocker):
        ensure_roles()
        people = make_people()
        people["admin"].is_superuser = False
        people["admin"].save()
        make_user("roleless", None)
        make_user("inactive", "broker", is_active=False)
        make_user("elsewhere", "manager", office=Office.objects.create(name="Another office"))
        make_user("bare", "admin", is_staff=True)
        colleague = make_user("colleague", "broker")
        import_example("home_only.json", people["other"])
        with override_settings(ATTACHMENTS_DIR=attachments):
            rows = broker_rows(people, colleague)
        for person in User.objects.exclude(username="bare"):
            enrol(person)
        yield {**rows, "person": people["other"]}


@pytest.fixture
def enrolled_world(
    standing_world: tuple[World, Path], db: None, settings: Any, tmp_path: Path
) -> World:
    """That world for one test to change, where a second factor is required."""
    world, attachments = standing_world
    settings.ATTACHMENTS_DIR = copytree(attachments, tmp_path / "attachments")
    settings.SECOND_FACTOR = "required"
    return deepcopy(world)


def broker_rows(people: dict[str, User], colleague: User) -> World:
    broker = people["broker"]
    insured = import_example("home_auto.json", broker).insured
    share_insured(insured=insured, colleague=colleague, actor=broker)
    run = queued_run(insured=insured, owner=broker)
    second = queued_run(insured=insured, owner=broker)
    draft = ImportDraft.objects.create(
        owner=broker, how=ImportDraft.How.PASTED, raw=b'{"applicant": {"name": "N. Body"}}'
    )
    done = completed_run(broker, insured=insured)
    proposal = make_proposal(
        run=done, solutions=list(done.solutions.all()[:2]), notes="", actor=broker
    )
    asked = ask_to_revisit(run=done, actor=people["manager"], text="Why not the second rank?")
    return {
        "insured": insured,
        "run": run,
        "second": second,
        "done": done,
        "quote": insured.quotes.first(),
        "attachment": stored_attachment(insured),
        "import": draft,
        "proposal": proposal,
        "review": asked,
        "notice": Notice.objects.get(user=broker, kind="review"),
        "view": SavedView.objects.create(owner=broker, name="Mine"),
    }


def admin_address(name: str) -> str:
    """An address of the admin, about a row that is there where one is."""
    inside = dict(ADMIN_ABOUT.get(name, {}))
    for part in ROUTES[name] - inside.keys():
        app, model, *_ = name.removeprefix("admin:").split("_")
        row = apps.get_model(app, model)._base_manager.first()
        inside[part] = row.pk if row else 1
    return reverse(name, kwargs=inside)


def browser_of(who: str) -> Client:
    """A browser with a live session; the inactive one's is from before."""
    browser = Client(raise_request_exception=True)
    if who != "anonymous":
        person = User.objects.get(username="broker2" if who == "other" else who)
        browser.force_login(person)
        if who != "bare":
            mark_confirmed(browser, person)
    return browser


def stored() -> list[list[Any]]:
    """All that a POST could change; who looked is written elsewhere, and may be."""
    return [
        list(model._default_manager.order_by("pk").values())
        for model in (
            Insured, InsuredShare, Quote, QuoteLine, Run, RunEvent, DecisionEvent, Proposal,
            Comment, ReviewRequest, Notice, SavedView, ImportDraft, Office,
        )
    ] + [
        list(User.objects.order_by("pk").values("pk", "password", "is_active", "office"))
    ]  # fmt: skip
