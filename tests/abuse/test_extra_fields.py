"""Every form is posted twice: as its page posts it, and with a field for every column there is.

The second may change nothing that the first does not: owner, office, state, decision, role and all
other columns are set by services alone. A form without a line in the table fails.
"""

from __future__ import annotations

import inspect
import re
import uuid
from html.parser import HTMLParser
from typing import Any

import pytest
from django.apps import apps
from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.test import Client
from django.utils import timezone

from quotes.models import Office, OpenSession, User
from tests.access.rules import body_of
from tests.access.world import OURS, World, address, browser_of, enrolled_world
from tests.test_access import RULES
from tests.views.pages import form_values

pytestmark = pytest.mark.django_db
world = enrolled_world

MODELS: list[type[models.Model]] = [
    # A session is begun for every request that is made here.
    model
    for model in apps.get_app_config("quotes").get_models()
    if model is not OpenSession
]
WHY = "Because it has to be so."
Posted = tuple[str, dict[str, Any]]


def posted(world: World) -> dict[str, Posted]:
    """Who posts each form and what is typed in, beside what its page holds already."""
    colleague = User.objects.get(username="colleague").pk
    other = User.objects.get(username="broker2").pk
    home = {"lines-home-shown": "1", "lines-home-premium_annual": "$1,234.50"}
    codes = {"codes": "state=completed"}
    return {
        "insured_search": ("broker", {"q": "Home"}),
        "insured_create": ("broker", {"applicant_name": "Ada", "state": "OH", "zip_code": "43004"}),
        "insured_edit": ("broker", {"city": "Larkhaven"}),
        "insured_hold": ("manager", {"reason": WHY}),
        "insured_share": ("broker", {"colleague": other}),
        "insured_unshare": ("broker", {"colleague": colleague}),
        "insured_move": ("manager", {"to": other, "reason": WHY}),
        "quote_create": ("broker", {"carrier_name": "Fable Mutual", **home}),
        "quote_edit": ("broker", {"carrier_name": "Fable Mutual"}),
        "quote_copy": ("broker", {"carrier_name": "Fable Mutual"}),
        "quote_delete": ("broker", {}),
        "run_start": ("broker", {"coverage_types": ["home", "auto"], "appetite": "balanced"}),
        "attachment_delete": ("broker", {}),
        "import_new": ("broker", {"text": "Carrier\tHome premium\nFable Mutual\t1200"}),
        "import_preview": ("broker", {"do": "discard"}),
        "run_search": ("broker", {"text": "Home"}),
        "view_save": ("broker", {"name": "Another", **codes}),
        "view_open": ("broker", {}),
        "view_replace": ("broker", codes),
        "view_delete": ("broker", {}),
        "run_abandon": ("broker", {"reason": WHY}),
        "run_comment": ("manager", {"text": WHY}),
        "run_revisit": ("manager", {"text": WHY}),
        "review_settle": ("broker", {"text": WHY}),
        "run_notices_read": ("broker", {}),
        "notices_read": ("broker", {}),
        "notice_read": ("broker", {}),
        "inbox_mail": ("broker", {}),
        "run_choose": ("broker", {"reason": WHY}),
        "run_proposal": ("broker", {"packages": ["0", "1"], "notes": WHY}),
        "run_packet": ("broker", {}),
        "operations_act": ("admin", {"reason": WHY}),
        "second_factor_reset": ("admin", {"reason": WHY}),
    }


ELSEWHERE = {
    # Forms that need a state of their own, or take cells by name; and where that is tried.
    "insured_form_row": "gives a row of the form back and stores nothing",
    "attachment_add": "a file and a quote's id: tests/views/test_attachments.py",
    "insured_renew": "a day, a choice and a tick: tests/views/test_renewals.py",
    "read_detail": "reads a detail aloud and stores nothing",
    "grid": "cells by name: tests/views/test_grid.py",
    "grid_paste": "reads what was pasted and stores nothing",
    "insured_grid_save": "cells by name: tests/views/test_grid_form.py",
    "run_resubmit": "of a lost run: the reason's form, as run_abandon",
    "run_link": "of a lost run: tests/views/test_run_actions.py",
    "run_resume": "of an unreadable run: no field at all",
    "run_send_again": "of a run that ended: the reason's form, as run_abandon",
    "run_what_if_rerun": "numbers by offer: tests/views/test_supposed.py",
    "run_approval": "of a choice that needs it: the words' form, as run_revisit",
    "run_record": "of a choice: tests/views/test_decisions.py",
    "proposal_deliver": "of a choice: tests/views/test_decisions.py",
    "operations_key": "no field at all",
}


READS = {"insured_search", "run_search", "view_open", "inbox_mail", "run_notices_read"}
"""What stores something in the session alone, or nothing where it is so already."""


class _Forms(HTMLParser):
    """The names of the controls of every form, by where it posts to."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, set[str]] = {}
        self.action = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self.action = found.get("action") or ""
        if name := found.get("name"):
            self.names.setdefault(self.action, set()).add(name)


def extra_fields(own: set[str]) -> dict[str, Any]:
    """A field for every column of every model, under both of its names and with a form's prefix,
    with a value that it would take; but for those the form has itself."""
    other = User.objects.get(username="broker2")
    office = Office.objects.exclude(people=other).first()
    assert office is not None
    values: dict[str, Any] = {
        "role": "admin", "roles": "admin", "groups": "1", "user_permissions": "1", "pk": "1",
        "_state": "completed", "is_admin": "on", "__class__": "x", "owner__pk": str(other.pk),
    }  # fmt: skip
    for model in MODELS:
        for field in model._meta.concrete_fields:
            value: Any = "evil"
            if field.is_relation:
                value = office.pk if field.related_model is Office else other.pk
            elif isinstance(field, models.BooleanField):
                value = "on"
            elif field.choices:
                value = list(field.choices)[-1][0]
            elif isinstance(field, models.IntegerField | models.DecimalField):
                value = "7"
            elif isinstance(field, models.DateField):
                value = "2001-01-01"
            elif isinstance(field, models.UUIDField):
                value = str(uuid.UUID(int=7))
            for name in (field.name, field.attname):
                values[name] = value
    values |= {f"form-0-{name}": value for name, value in values.items()}
    return {name: value for name, value in values.items() if name not in own}


def own_names(browser: Client, name: str, world: World) -> tuple[set[str], dict[str, Any]]:
    """The names of the form's controls and the values they hold, from the page it stands on."""
    path = address(f"quotes:{name}" if f"quotes:{name}" in RULES else name, world)
    pages = [path, *(address(f"quotes:{each}", world) for each in ("insured_detail", "run_detail"))]
    for page in pages:
        answer = browser.get(page)
        if answer.status_code != 200:
            continue
        html = answer.content.decode()
        forms = _Forms()
        forms.feed(html)
        names = forms.names.get(path, set()) | (
            forms.names.get("", set()) if page == path else set()
        )
        if names:
            return names, form_values(html) if page == path else {}
    return set(), {}


def snapshot(known: set[str]) -> dict[str, list[str]]:
    """Every row of every model, with ids that were not there before made alike."""

    def plain(row: tuple[Any, ...]) -> str:
        return UUID.sub(lambda id_: id_[0] if id_[0] in known else "<id>", repr(row))

    found: dict[str, list[str]] = {}
    for model in MODELS:
        fields = [
            each.attname
            for each in model._meta.concrete_fields
            if not isinstance(each, LEFT) and not isinstance(each, models.AutoField)
        ]
        rows = model._base_manager.values_list(*fields)
        found[model.__name__] = sorted(map(plain, rows))
    roles = User.groups.through.objects.values_list("user_id", "group_id")
    return found | {"roles": sorted(map(repr, roles))}


UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
LEFT = (models.BinaryField, models.FileField)
"""Columns that differ by themselves: a proposal's bytes, an attachment's random name."""


def after_posting(name: str, who: str, body: dict[str, Any], world: World, known: set[str]) -> Any:
    path = address(f"quotes:{name}" if f"quotes:{name}" in RULES else name, world)
    with transaction.atomic():
        _same_numbers()
        answer = browser_of(who).post(path, body)
        body_of(answer)
        result = answer.status_code, snapshot(known)
        transaction.set_rollback(True)
    return result


def _same_numbers() -> None:
    """New rows get the numbers that those of the posting before had, which was taken back:
    PostgreSQL does not take back the numbers by itself."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), MODELS):
            cursor.execute(statement)


def test_every_form_has_a_line():
    """Every address that takes a POST, but for those that are about the person themselves."""
    taking = {
        name.removeprefix("quotes:")
        for name in OURS
        if any(answer & {200, 302} for answer in RULES[name][1].values())
        and (name.startswith("quotes:") or name == "second_factor_reset")
    }
    names = {name for name in OURS if name.startswith("quotes:")}
    tabled = set(re.findall(r'^        "(\w+)": \("', TABLE, re.MULTILINE))
    posts = taking | ({"grid", "grid_paste"} & {each.removeprefix("quotes:") for each in names})
    assert posts - tabled - set(ELSEWHERE) == {"worklist", "operations"} & posts
    assert not tabled & set(ELSEWHERE)


TABLE = inspect.getsource(posted)
LINES = re.findall(r'^        "(\w+)": \("', TABLE, re.MULTILINE)


@pytest.mark.parametrize("name", LINES)
def test_fields_that_the_form_does_not_have_change_nothing(name, world, time_machine):
    time_machine.move_to(timezone.now(), tick=False)
    who, typed = posted(world)[name]
    browser = browser_of(who)
    names, values = own_names(browser, name, world)
    body = {**values, **typed}
    extra = extra_fields(names | body.keys())
    assert len(extra) > 300
    known = {str(row.pk) for row in world.values()}
    plain = after_posting(name, who, body, world, known)
    assert plain[0] in {200, 302}, f"the form itself is refused: {plain[0]}"
    if name not in READS:
        assert plain[1] != snapshot(known), "the form by itself does change something"
    misused = after_posting(name, who, {**extra, **body}, world, known)
    assert misused[0] == plain[0]
    for table, rows in plain[1].items():
        assert misused[1][table] == rows, table
