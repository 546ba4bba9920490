"""History that nobody changes, past the models either."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, IntegrityError, connection, transaction

from quotes.models import DecisionEvent, Proposal, ProposalOption, ProposalPage, Run, User
from quotes.models.append_only import AppendOnly
from quotes.services.proposals import make_proposal
from tests import runs as made
from tests.decided import NOW, bring_to, packages

pytestmark = pytest.mark.django_db
KEPT = [DecisionEvent, Proposal, ProposalOption, ProposalPage]


@pytest.fixture
def run(people: dict[str, User]) -> Any:
    with time_machine.travel(NOW):
        run = bring_to(made.completed_run(people["broker"]), "shown", people["broker"])
        make_proposal(run=run, solutions=packages(run), notes="", actor=people["broker"])
        yield run


@pytest.mark.parametrize("model", KEPT)
def test_rows_are_only_added(run: Run, model: Any) -> None:
    row = model.objects.first()
    for attempt in (
        row.save, row.delete, model.objects.all().delete,
        lambda: model.objects.update(pk=row.pk),
        lambda: model.objects.bulk_update([row], [row._meta.fields[1].name]),
    ):  # fmt: skip
        with pytest.raises(AppendOnly), transaction.atomic():
            attempt()


@pytest.mark.parametrize("model", KEPT)
@pytest.mark.parametrize("statement", ["UPDATE {table} SET id = id", "DELETE FROM {table}"])
def test_past_the_models_the_database_refuses(run: Run, model: Any, statement: str) -> None:
    count = model.objects.count()
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table=model._meta.db_table))
    assert model.objects.count() == count > 0


@pytest.mark.parametrize(
    "columns", [{"decision": "undecided"}, {"chosen": None}, {"decision": "perhaps"}]
)
def test_a_choice_and_its_state_go_together(run: Run, columns: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(**columns)


def test_seen_by_whoever_sees_the_run(run: Run, people: dict[str, User]) -> None:
    for model in (DecisionEvent, Proposal):
        for who in ("broker", "manager", "admin"):
            assert model.objects.visible_to(people[who]).exists()
        for user in (people["other"], AnonymousUser()):
            assert not model.objects.visible_to(user).exists()
    assert Proposal.objects.actionable_by(people["broker"]).exists()
    assert not Proposal.objects.actionable_by(people["manager"]).exists()
