"""Who stands around a run: the brokers who work on it, and who oversees them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from quotes.models import Role, Run, User
from quotes.models.prepared import prepared


def brokers_of(run: Run) -> list[User]:
    """The active brokers who work on the run's insured: its own, and whom it is shared with."""
    works = Q(insureds=run.insured_id) | Q(insureds_shared__insured=run.insured_id)
    brokers = User.objects.filter(works, is_active=True, groups__name=Role.BROKER)
    return list(brokers.distinct().order_by("pk"))


@dataclass(frozen=True)
class Concerned:
    """Somebody who is told of a run: what that takes."""

    pk: int
    email: str
    notices_by_mail: bool


def concerned_by(runs: Sequence[Run]) -> dict[UUID, list[Concerned]]:
    """Who is told of each of these runs: its brokers, and who started it where they see it still.

    Brokers see what they work on, so that only of others who started one is asked whether they do.
    """
    insureds = {run.insured_id for run in runs}
    work: dict[UUID, dict[int, Concerned]] = {insured: {} for insured in insureds}
    for insured, broker, email, by_mail in _brokers_of(insureds):
        work[insured][broker] = Concerned(broker, email, by_mail)
    found = {run.pk: dict(work[run.insured_id]) for run in runs}
    others: dict[int, list[Run]] = {}
    for run in runs:
        if run.started_by_id is not None and run.started_by_id not in found[run.pk]:
            others.setdefault(run.started_by_id, []).append(run)
    for user in User.objects.filter(pk__in=others, is_active=True) if others else []:
        told = Concerned(user.pk, user.email, user.notices_by_mail)
        seen = Run.objects.visible_to(user).filter(pk__in=[run.pk for run in others[user.pk]])
        for pk in seen.order_by().values_list("pk", flat=True):
            found[pk][user.pk] = told
    return {pk: list(people.values()) for pk, people in found.items()}


@prepared
def _brokers_of(insureds: Collection[UUID]) -> QuerySet[User, tuple[UUID, int, str, bool]]:
    """Each of the insureds with every active broker who works on it."""
    brokers = User.objects.filter(is_active=True, groups__name=Role.BROKER).order_by()
    person = ("pk", "email", "notices_by_mail")
    own = brokers.filter(insureds__in=insureds).values_list("insureds", *person)
    shared = brokers.filter(insureds_shared__insured__in=insureds)
    return own.union(shared.values_list("insureds_shared__insured", *person))


def managers_of(office_id: int | None) -> list[User]:
    """The active managers who see the work of an office."""
    if office_id is None:
        return []
    sees = Q(office=office_id) | Q(oversees=office_id)
    managers = User.objects.filter(sees, is_active=True, groups__name=Role.MANAGER)
    return list(managers.distinct().order_by("first_name", "last_name", "username"))


def admins() -> list[User]:
    rows = User.objects.filter(Q(groups__name=Role.ADMIN) | Q(is_superuser=True), is_active=True)
    return list(rows.distinct().order_by("first_name", "last_name", "username"))


def office_of(run: Run) -> int | None:
    """The office of the insured's broker, which says what must be approved; None without."""
    owner = run.insured.owner
    return None if owner is None else owner.office_id


def oversees(user: User, run: Run) -> bool:
    """Whether the person sees the run as manager of its broker's office, or as an admin.

    A broker whom an insured of another office is shared with sees its runs too, and oversees
    none of them, even as a manager of their own office.
    """
    if not user.is_active:
        return False
    return user.sees_all or office_of(run) in user.offices_seen


def works_on(user: User | AnonymousUser, run: Run) -> bool:
    return bool(worked_on(user, [run.pk]))


def works_on_shown(user: User, run: Run) -> bool:
    """The same of a run that was read with its insured: of one's own nothing is asked."""
    if run.insured.owner_id == user.pk:
        return user.is_active and user.is_broker
    return works_on(user, run)


def worked_on(user: User | AnonymousUser, runs: Collection[UUID]) -> set[UUID]:
    """Those of `runs` that the person works on, by one query however many they are."""
    return set() if isinstance(user, AnonymousUser) else set(_worked_on(user, runs))


@prepared
def _worked_on(user: User, runs: Collection[UUID]) -> QuerySet[Run, UUID]:
    rows = Run.objects.actionable_by(user).filter(pk__in=runs).order_by()
    return rows.values_list("pk", flat=True)


def still_seen(people: Iterable[User], run: Run) -> list[User]:
    """Those of the people, each once, who see the run now."""
    by_pk = {person.pk: person for person in people}
    return [
        person
        for person in by_pk.values()
        if Run.objects.visible_to(person).filter(pk=run.pk).exists()
    ]
