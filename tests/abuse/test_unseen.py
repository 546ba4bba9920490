"""What another broker comes to have changes nothing that one sees: no page, count or file."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from quotes.models import Insured, User
from quotes.services.review.revisits import ask_to_revisit
from quotes.services.roles import ensure_roles
from tests.abuse.asking import fingerprint
from tests.access.enrolled import enrol
from tests.access.rules import SHOWN
from tests.access.world import OURS, ROUTES, broker_rows, browser_of
from tests.factories import import_example, make_user
from tests.runs import completed_run
from tests.test_access import RULES

pytestmark = pytest.mark.django_db

OWN = re.compile(
    rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    rb"|searched=[0-9a-f]{12}|name=\"searched\" value=\"[0-9a-f]{12}\""
)
HTMX = {"HX-Request": "true"}


def test_nothing_anywhere_changes_for_another_broker(people, settings, tmp_path, time_machine):
    """Every page that names no row, and the searches, before the first broker has anything and
    after: to the second broker they are the same to the byte. So no count, choice of a form,
    filter, suggestion, badge or export tells that there is more."""
    time_machine.move_to(timezone.now(), tick=False)  # workbooks say when they were made
    ensure_roles()
    settings.ATTACHMENTS_DIR = tmp_path / "attachments"
    settings.SECOND_FACTOR = "required"
    colleague = make_user("colleague", "broker")
    # The second broker has done what the first is about to do, so that both know the carriers.
    mine = import_example("home_auto.json", people["other"]).insured
    done = completed_run(people["other"], insured=mine)
    ask_to_revisit(run=done, actor=people["manager"], text="Why not the second rank?")
    for person in User.objects.all():
        enrol(person)

    before = seen_by_the_other()
    rows = broker_rows(people, colleague)
    after = seen_by_the_other()

    hidden = [str(row.pk) for row in rows.values() if isinstance(row.pk, uuid.UUID)]
    assert len(hidden) >= 9
    for name, answer in after.items():
        assert answer[0] == before[name][0], name
        # A new row of the sheet has an id that is made for it as the page is, and each session
        # names its search by a mark of its own.
        assert OWN.sub(b"", answer[3]) == OWN.sub(b"", before[name][3]), name
        assert not [pk for pk in hidden if pk.encode() in answer[3]], name


def seen_by_the_other() -> dict[str, tuple[Any, ...]]:
    browser = browser_of("other")
    mine = Insured.objects.get(owner__username="broker2")
    seen = {}
    for name in OURS:
        get, _ = RULES[name]
        if ROUTES[name] or name in DOORS or not get["other"] & SHOWN:
            continue
        seen[name] = fingerprint(browser.get(reverse(name)))
    for word in ("home", mine.applicant_name, mine.zip_code):
        browser.post(reverse("quotes:insured_search"), {"q": word})
        seen[f"insureds, {word}"] = fingerprint(browser.get(reverse("quotes:insured_list")))
        browser.post(reverse("quotes:run_search"), {"text": word})
        for name in ("quotes:run_list", "quotes:run_list_csv"):
            seen[f"{name}, {word}"] = fingerprint(browser.get(reverse(name)))
    own = mine.quotes.first()
    assert own is not None
    for page, pk in (("insured_detail", mine.pk), ("quote_edit", own.pk), ("readiness", mine.pk)):
        seen[page] = fingerprint(browser.get(reverse(f"quotes:{page}", args=[pk]), headers=HTMX))
    return seen


DOORS = frozenset(
    # What one does to one's own account; two of them show a secret made anew at every look.
    name
    for name in OURS
    if not name.startswith("quotes:")
)
