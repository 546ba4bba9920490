"""A row that is made of its columns alone is the row that Django makes of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import models
from django.db.models.signals import post_init

from quotes.models import Solution
from quotes.models.read_rows import ReadModel


def _kinds(of: type[models.Model] = ReadModel) -> list[type[models.Model]]:
    found = [] if of._meta.abstract else [of]
    return found + [kind for each in of.__subclasses__() for kind in _kinds(each)]


def _djangos(kind: type[models.Model], names: list[str], values: list[Any]) -> Any:
    return models.Model.from_db.__func__(kind, "default", names, values)  # type: ignore[attr-defined]


@pytest.mark.parametrize("some", [False, True], ids=["all columns", "some columns"])
@pytest.mark.parametrize("kind", _kinds(), ids=lambda kind: kind.__name__)
def test_a_row_is_as_django_makes_it(kind: Any, some: bool) -> None:
    names = [field.attname for field in kind._meta.concrete_fields][:: 2 if some else 1]
    values = [f"value {number}" for number in range(len(names))]
    ours, djangos = kind.from_db("default", names, values), _djangos(kind, names, values)
    told = [
        {name: value for name, value in vars(row).items() if name != "_state"}
        | {"adding": row._state.adding, "db": row._state.db, "cache": row._state.fields_cache}
        for row in (ours, djangos)
    ]
    assert told[0] == told[1]
    assert ours.get_deferred_fields() == djangos.get_deferred_fields()
    assert ours == djangos


def test_columns_and_values_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="zip"):
        Solution.from_db("default", ["id", "rank"], [1])


def test_whoever_listens_for_new_objects_is_told_of_rows_that_are_read() -> None:
    told: list[Any] = []

    def listen(instance: Any, **_: Any) -> None:
        told.append(instance)

    post_init.connect(listen, sender=Solution)
    try:
        read = Solution.from_db("default", ["id"], [7])
    finally:
        post_init.disconnect(listen, sender=Solution)
    assert told == [read]
    assert read.pk == 7


@pytest.mark.parametrize("kind", _kinds(), ids=lambda kind: kind.__name__)
def test_a_new_row_is_as_django_makes_it(kind: Any) -> None:
    given = {"id": 7} if kind._meta.pk.attname == "id" else {}
    for _ in range(2):  # what stands in for a document is no other row's
        ours, djangos = kind.unsaved(**given), kind(**given)
        told = [
            {name: value for name, value in vars(row).items() if name != "_state"}
            | {"adding": row._state.adding, "db": row._state.db}
            for row in (ours, djangos)
        ]
        assert told[0] == told[1]
    assert all(
        vars(kind.unsaved(**given))[name] is not value
        for name, value in vars(ours).items()
        if isinstance(value, (dict, list))
    )


def test_a_new_row_takes_its_own_columns_alone() -> None:
    with pytest.raises(TypeError, match="run_number"):
        Solution.unsaved(run_number=3)


def test_whoever_listens_for_new_objects_is_told_of_new_rows() -> None:
    told: list[Any] = []

    def listen(instance: Any, **_: Any) -> None:
        told.append(instance)

    post_init.connect(listen, sender=Solution)
    try:
        made = Solution.unsaved(rank=3)
    finally:
        post_init.disconnect(listen, sender=Solution)
    assert told == [made]
    assert made.rank == 3
