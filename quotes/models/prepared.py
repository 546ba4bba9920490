"""Queries put together once, and asked with other values ever after.

Of a page's statement Django takes several times as long to put it together as the database takes to
answer it; pages send some twenty. `prepared` keeps what Django made of a query: its text, and how
rows become objects. Only the values change from one call to the next.

    @prepared
    def _latest(insureds: Collection[UUID], since: datetime) -> QuerySet[Run]:
        return Run.objects.filter(insured__in=insureds, created_at__gte=since)

    runs = _latest([insured.pk], now - timedelta(days=14))

What is decorated says which rows by its arguments alone: anything else that changes, such as the
time or what the database answers, would stay as it was at the first call. So would a value that is
reckoned with as well as used; one that is only reckoned with keeps nothing. An argument is a value,
a collection of values, a person, or None, True or False; lists of another length and people of
other roles make another text. No value of a call is kept.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import update_wrapper
from threading import Lock
from types import SimpleNamespace
from typing import Any, Generic, NamedTuple, ParamSpec, TypeVar
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func, IntegerField, Model, QuerySet, prefetch_related_objects

from quotes.models.planned import Planned
from quotes.models.user import User

P = ParamSpec("P")
R = TypeVar("R")
NUMBER_OF_ROWS = Func(function="COUNT", template="COUNT(*)", output_field=IntegerField())
"""As a query's only column: how many rows there are."""
MOST_KEPT = 100
"""Texts of one query: the lengths of lists that its pages ask for, and the kinds of people."""
PLAIN = {int, str, UUID, datetime, date}
"""Kinds of a value that is one by itself; others are looked at more closely."""
MOST_VALUES = 200
"""Of an argument: longer lists are rare, and of any length, so that their text is not kept."""


def prepared(build: Callable[P, QuerySet[Any, R]]) -> Prepared[P, R]:
    """The rows of the query that `build` makes, as a list."""
    return Prepared(build)


class Prepared(Generic[P, R]):
    checked = False
    """For tests: whether each call is held against what Django makes of its values."""

    def __init__(self, build: Callable[P, QuerySet[Any, R]]) -> None:
        self.build = build
        self.kept: dict[Hashable, _Statement | None] = {}
        self.lock = Lock()
        update_wrapper(self, build)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> list[R]:
        given = [_Given.of(each) for each in (*args, *kwargs.values())]
        if any(len(each.values) > MOST_VALUES for each in given):
            return list(self.build(*args, **kwargs))
        shape = (tuple(kwargs), *[each.shape for each in given])
        try:
            statement = self.kept[shape]
        except KeyError:
            statement = self._put_together(given, tuple(kwargs))
            with self.lock:  # requests are answered by several threads
                if len(self.kept) >= MOST_KEPT:
                    del self.kept[next(iter(self.kept))]
                self.kept[shape] = statement
        values = [value for each in given for value in each.values]
        if statement is None:
            return list(self.build(*args, **kwargs))
        if self.checked:
            _check(statement, values, self.build(*args, **kwargs))
        return statement.rows(values)

    def _put_together(self, given: Sequence[_Given], names: Sequence[str]) -> _Statement | None:
        """The statement for arguments of this shape, made of stand-ins that are found again among
        its parameters. None where they are not, and the query is to be made of each call's own."""
        number = itertools.count()
        stands = [[stand_in(type(value), next(number)) for value in each.values] for each in given]
        needed = [
            stand
            for each, of in zip(given, stands, strict=True)
            for stand in of
            # Of a person a query takes what it needs: their key or their offices or neither.
            if not isinstance(each.argument, User)
        ]
        arguments = [each.as_given(of) for each, of in zip(given, stands, strict=True)]
        bare = len(arguments) - len(names)
        named: dict[str, Any] = dict(zip(names, arguments[bare:], strict=True))
        return _Statement.of(
            self.build(*arguments[:bare], **named),
            [stand for each in stands for stand in each],
            needed,
        )


class _Given(NamedTuple):
    """An argument: what of it makes the statement's text, and the values that only fill it in."""

    shape: Any
    values: Sequence[Any]
    argument: Any

    @classmethod
    def of(cls, argument: Any) -> _Given:
        kind = type(argument)
        if kind in PLAIN:
            return cls(kind, (argument,), argument)
        if argument is None or kind is bool:
            return cls(argument, (), argument)
        if isinstance(argument, User):
            roles = argument.role_names
            offices = () if argument.sees_all else argument.offices_seen
            shape = (argument.is_active, roles, len(offices))
            return cls(shape, [argument.pk, *offices], argument)
        if isinstance(argument, Collection) and not isinstance(argument, str):
            values = list(dict.fromkeys(argument))
            return cls((len(values), frozenset(map(type, values))), values, argument)
        return cls(kind, (argument,), argument)

    def as_given(self, values: Sequence[Any]) -> Any:
        """An argument like it, with these values."""
        if not values:
            return [] if isinstance(self.argument, Collection) else self.argument
        if isinstance(self.argument, User):
            made = User(pk=values[0], is_active=self.argument.is_active)
            made.role_names = self.argument.role_names
            made.offices_seen = frozenset(values[1:])
            return made
        alone = isinstance(self.argument, str) or not isinstance(self.argument, Collection)
        return values[0] if alone else values


@dataclass(frozen=True)
class _Statement:
    """A query as Django put it together, and where in its parameters the values go; `planned` is
    what PostgreSQL is sent of it. Its text is empty where no row can be what it asks for."""

    sql: str
    parameters: Sequence[Any]
    places: Sequence[tuple[int, int]]
    """Of a parameter, and of the value that goes there."""
    queryset: Any
    compiler: Any
    planned: Planned | None = None

    @classmethod
    def of(cls, rows: Any, stands: Sequence[Any], needed: Sequence[Any]) -> _Statement | None:
        compiler = rows.query.get_compiler(DEFAULT_DB_ALIAS)
        try:
            sql, parameters = compiler.as_sql()
        except EmptyResultSet:
            return cls("", (), (), rows, None)
        database = connections[DEFAULT_DB_ALIAS]
        number = {_written(stand, database): position for position, stand in enumerate(stands)}
        places = [
            (place, number[parameter])
            for place, parameter in enumerate(parameters)
            if parameter.__hash__ is not None and parameter in number
        ]
        filled = {position for _, position in places}
        if any(number[_written(each, database)] not in filled for each in needed):
            return None
        # What makes Python's values of a row's: by its columns and the kind of database alone. Some
        # are methods of this connection's `ops`, which is kept for them, and never asked by others.
        converters = compiler.get_converters([column for column, *_ in compiler.select])
        compiler.get_converters = lambda _: converters
        compiler.connection = None  # that of the thread which asks, each time
        on_postgresql = database.vendor == "postgresql"
        planned = Planned.of(sql, parameters, places, database) if on_postgresql else None
        return cls(sql, tuple(parameters), places, rows, compiler, planned)

    def written(self, values: Sequence[Any]) -> list[Any]:
        database = connections[DEFAULT_DB_ALIAS]
        return [_written(value, database) for value in values]

    def filled(self, values: Sequence[Any]) -> list[Any]:
        parameters, written = list(self.parameters), self.written(values)
        for place, position in self.places:
            parameters[place] = written[position]
        return parameters

    def answer(self, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The database's, row by row. What is logged, for tests and where pages are debugged, is
        sent with its values in the text: so it can be explained."""
        database: Any = connections[DEFAULT_DB_ALIAS]
        if self.planned is not None and not database.queries_logged:
            return self.planned.rows(self.written(values), database)
        with database.cursor() as cursor:
            cursor.execute(self.sql, self.filled(values))
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def rows(self, values: Sequence[Any]) -> list[Any]:
        """Read as Django reads them, by the text that is there already."""
        if not self.sql:
            return []
        asked = SimpleNamespace(
            query=_Query(self, values),
            db=DEFAULT_DB_ALIAS,
            model=self.queryset.model,
            _fields=self.queryset._fields,
            _known_related_objects={},
        )
        found: list[Any] = list(self.queryset._iterable_class(asked))
        if found and (related := self.queryset._prefetch_related_lookups):
            prefetch_related_objects(found, *related)
        return found


class _Query:
    """Stands in for a queryset's query where rows are read."""

    def __init__(self, statement: _Statement, values: Sequence[Any]) -> None:
        self.statement, self.values = statement, values

    def get_compiler(self, using: str = DEFAULT_DB_ALIAS) -> Any:
        kept = self.statement.compiler
        compiler: Any = object.__new__(type(kept))
        compiler.__dict__.update(kept.__dict__, connection=connections[using])
        compiler.execute_sql = self._answer
        return compiler

    def _answer(self, *_: Any, **__: Any) -> list[list[tuple[Any, ...]]]:
        """In place of a compiler's `execute_sql`: all rows, as one piece, without the columns that
        they were only sorted by."""
        rows, kept = self.statement.answer(self.values), self.statement.compiler
        return [[row[: kept.col_count] for row in rows] if kept.has_extra_select else rows]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.statement.queryset.query, name)


def stand_in(kind: type, number: int) -> Any:
    """A value of this kind that nothing else in a text is; by `number` they differ."""
    if issubclass(kind, str):
        return f"stand-in {number} 5b0c9fd2"
    if issubclass(kind, UUID):
        return UUID(int=(0x5B0C9FD2 << 96) + number)
    if issubclass(kind, int):
        return 1_934_500_000 + number
    if issubclass(kind, datetime):
        return datetime(2907, 1, 1, tzinfo=UTC) + timedelta(days=number)
    if issubclass(kind, date):
        return date(2907, 1, 1) + timedelta(days=number)
    raise TypeError(f"A prepared query takes no {kind.__name__}.")


def _written(value: Any, database: BaseDatabaseWrapper) -> Any:
    """The value as a parameter of the database in use."""
    if type(value) is int:
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, UUID):
        return value if database.features.has_native_uuid_field else value.hex
    if isinstance(value, datetime):
        return database.ops.adapt_datetimefield_value(value)
    if isinstance(value, date):
        return database.ops.adapt_datefield_value(value)
    return value


def _check(statement: _Statement, values: Sequence[Any], rows: QuerySet[Any, Any]) -> None:
    """Raise where the statement with these values is another than Django makes of them."""
    try:
        sql, parameters = rows.query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
    except EmptyResultSet:
        sql, parameters = "", ()
    asked = (statement.sql, statement.filled(values))
    if (asked[0], sorted(map(str, asked[1]))) != (sql, sorted(map(str, parameters))):
        raise AssertionError(f"Prepared: {asked}\nDjango's: {(sql, parameters)}")
    if (planned := statement.planned) is not None:
        database: Any = connections[DEFAULT_DB_ALIAS]
        sent = planned.sent(statement.written(values), database)
        said = database.ops.compose_sql(*asked)
        if sent != said:
            raise AssertionError(f"Planned: {sent}\nPrepared: {said}")


def hand_out(parents: Collection[Model], accessor: str, rows: Collection[Model], key: str) -> None:
    """Give each parent its rows, which say by `key` whose they are, as `prefetch_related` does:
    `parent.accessor.all()` is then the list of these, and asks for nothing."""
    by_key = {parent.pk: parent for parent in parents}
    theirs: dict[Any, list[Model]] = {pk: [] for pk in by_key}
    for row in rows:
        theirs[getattr(row, f"{key}_id")].append(row)
    hand_in(rows, key, by_key)
    for pk, parent in by_key.items():
        vars(parent).setdefault("_prefetched_objects_cache", {})[accessor] = theirs[pk]


def hand_in(rows: Collection[Model], name: str, others: Mapping[Any, Model]) -> None:
    """Give each row the one of `others` that it refers to as `name`, as `select_related` does;
    None where it is not among them."""
    if not rows:
        return
    field: Any = next(iter(rows))._meta.get_field(name)
    column, put = field.attname, field.set_cached_value
    for row in rows:
        put(row, others.get(getattr(row, column)))


def may_have(row: Model, what: str) -> bool:
    """Whether rows of that kind may hang on `row`: False where the query that read it found none,
    and said so as `has_…`. A page need not ask for them then."""
    return bool(getattr(row, f"has_{what}", True))
