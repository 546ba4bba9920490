"""Demo people and households: only while the sandbox answers, and plainly fictional."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction

from quotes.models import Office, Role, Run, User
from quotes.services import demo_history, intake, reading
from quotes.services.origins import How, Origin
from quotes.services.roles import ensure_roles

PASSWORD = "compare-quotes"  # noqa: S105 - printed at every start of the demo, on purpose


class Login(TypedDict):
    username: str
    password: str
    role: str


OFFICE = "Main office"
OTHER_OFFICE = "Harbor office"
PEOPLE = (
    ("broker", "Maya", "Okafor", Role.BROKER),
    ("broker2", "Theo", "Lindqvist", Role.BROKER),
    ("broker3", "Noor", "Halvorsen", Role.BROKER),
    ("manager", "Ines", "Carvalho", Role.MANAGER),
    ("admin", "Sam", "Whitlock", Role.ADMIN),
)
IN_OTHER_OFFICE = frozenset({"broker3"})
WITH_A_PAST = ("broker2", "broker3")
HOUSEHOLDS = (
    ("example_input.json", "broker"),
    ("guide_request.json", "broker"),
    ("home_only.json", "broker"),
    ("home_auto.json", "broker"),
    ("florida_coast.json", "broker"),
    ("mixed_offerings.json", "broker2"),
)


def demo_logins() -> list[Login]:
    """The demo's accounts that can be used, as the sign-in page and the start-up print them."""
    known = User.objects.filter(is_demo=True, is_active=True)
    usable = set(known.values_list("username", flat=True))
    return [
        Login(username=username, password=PASSWORD, role=str(role.label))
        for username, _, _, role in PEOPLE
        if username in usable
    ]


@transaction.atomic
def load_demo() -> bool:
    """Load the demo once; later starts keep what is there.

    False where the database holds real people, or runs that went to Nexio itself: accounts whose
    password is public are not put beside those. What the command line compared in the sandbox
    before the first start is no hindrance.
    """
    ensure_roles()
    if User.objects.filter(is_demo=True).exists():
        return True
    if User.objects.exists() or Run.objects.filter(sandbox=False).exists():
        return False
    people = {}
    office, _ = Office.objects.get_or_create(name=OFFICE)
    other, _ = Office.objects.get_or_create(name=OTHER_OFFICE)
    for username, first, last, role in PEOPLE:
        user = User.objects.create_user(
            username=username,
            is_demo=True,
            office=other if username in IN_OTHER_OFFICE else office,
            password=PASSWORD,
            first_name=first,
            last_name=last,
            is_staff=role == Role.ADMIN,
        )
        user.groups.add(Group.objects.get(name=role))
        people[username] = user
    people["manager"].oversees.add(other)
    for name, owner in HOUSEHOLDS:
        raw = (examples_folder() / name).read_bytes()
        intake.import_document(
            document=reading.read_document(raw),
            owner=people[owner],
            origin=Origin(How.IMPORTED, where=name),
        )
    return True


def load_past() -> int:
    """Give the demo's other brokers an invented past for managers to look at; how many runs.

    None without the demo, and where there are runs already.
    """
    known = User.objects.filter(is_demo=True, is_active=True, username__in=WITH_A_PAST)
    brokers = list(known.order_by("username"))
    return demo_history.load_history(brokers) if len(brokers) == len(WITH_A_PAST) else 0


def examples_folder() -> Path:
    return Path(settings.BASE_DIR) / "examples"
