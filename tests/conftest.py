"""What every test may ask for."""

from __future__ import annotations

import gc
import os
import shutil
import threading
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from sandbox.server import open_server
from tests.fake_nexio import FakeNexio, fake_nexio  # noqa: F401  (a fixture, used by name)
from tests.standing import standing

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")
CHROMIUM = shutil.which("chromium")
CHROMIUM_LAUNCH = {"executable_path": CHROMIUM, "args": ["--no-sandbox"]}


DATABASE_FIXTURES = frozenset({"db", "transactional_db", "live_server"})


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database-only",
        action="store_true",
        help="leave out tests that would say the same on a second database: those that use none, "
        "and those marked any_database",
    )


def tells_databases_apart(item: pytest.Item) -> bool:
    return uses_database(item) and item.get_closest_marker("any_database") is None


def uses_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("django_db") is not None or bool(fixtures & DATABASE_FIXTURES)


def pytest_collection_finish() -> None:
    """What was collected stays to the end: no search for garbage goes through it again."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Browser tests last, and skipped where there is no browser unless there must be one.

    Playwright's synchronous interface leaves an event loop behind in its thread, in which no
    later test of the same process could run one of its own.
    """
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
    if config.getoption("--database-only"):
        alike = [each for each in items if not tells_databases_apart(each)]
        config.hook.pytest_deselected(items=alike)
        items[:] = [each for each in items if tells_databases_apart(each)]
    if CHROMIUM is not None or os.environ.get("REQUIRE_BROWSER"):
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason="no Chromium here: apt-get install chromium"))


@pytest.fixture
def people(db):
    """A broker, a second broker, a manager and an admin, by role name."""
    from tests.factories import make_people

    return make_people()


@pytest.fixture(scope="module")
def standing_world(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[dict[str, Any], Path]]:
    """What `tests.access.world.enrolled_world` gives each test of a module a copy of."""
    from tests.access.world import world_standing

    attachments = tmp_path_factory.mktemp("attachments")
    with world_standing(django_db_blocker, attachments) as world:
        yield world, attachments


@pytest.fixture(scope="module")
def standing_rows(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any
) -> Iterator[Any]:
    """What `rows_that_stand` of the module wrote, once for all its tests. They are there for every
    test of the module that follows: each asks for them, or for none of these tables."""
    with standing(django_db_blocker):
        yield request.module.rows_that_stand()


@pytest.fixture
def rows(standing_rows: Any, db: None) -> Any:
    """Them, for one test to change."""
    return deepcopy(standing_rows)


@pytest.fixture
def nexio(settings: Any) -> Iterator[FakeNexio]:
    """A fake that the settings name, and the key that they say to it."""
    with FakeNexio() as fake:
        settings.NEXIO_URL, settings.NEXIO_KEY = fake.url, "nx_test_watched"
        settings.NEXIO_IS_SANDBOX = False
        yield fake


@pytest.fixture
def sandbox(settings: Any) -> Iterator[str]:
    """A sandbox whose runs are ready at the first poll, and settings that name it."""
    server = open_server(seconds=0.1)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    settings.NEXIO_URL, settings.NEXIO_KEY, settings.NEXIO_IS_SANDBOX = (
        server.url, "nx_test_sandbox", True,
    )  # fmt: skip
    yield server.url
    server.shutdown()
    server.server_close()
    server.api.store.close()
    thread.join(5)


@pytest.fixture(scope="session", autouse=True)
def _prepared_queries_are_held_against_djangos() -> None:
    """Each call of a prepared query makes Django's own as well, and fails where they differ."""
    from quotes.models.prepared import Prepared

    Prepared.checked = True


@pytest.fixture(autouse=True)
def _sums_of_months_are_this_tests() -> None:
    """A test's database begins its versions anew: see `services.dashboard.kept`."""
    from quotes.services.dashboard.kept import forget_sums

    forget_sums()


@pytest.fixture(scope="session", autouse=True)
def _kept_fields_are_held_against_drawn_ones() -> None:
    """Each field that was drawn before is drawn anew, and a test fails where they differ."""
    from quotes.forms.drawn_fields import DrawnFields

    DrawnFields.checked = True


@pytest.fixture(scope="session", autouse=True)
def _commits_need_not_outlive_a_power_cut(request: pytest.FixtureRequest) -> None:
    """Those of the tests' own database on PostgreSQL, whose disk each would wait for."""
    from django.db import connection

    if connection.vendor != "postgresql" or not any(map(uses_database, request.session.items)):
        return
    request.getfixturevalue("django_db_setup")
    with request.getfixturevalue("django_db_blocker").unblock(), connection.cursor() as cursor:
        name = connection.ops.quote_name(str(connection.settings_dict["NAME"]))
        cursor.execute(f"ALTER DATABASE {name} SET synchronous_commit TO off")
    connection.close()


@pytest.fixture(scope="session", autouse=True)
def _tables_are_emptied_after_tests_that_commit() -> Iterator[None]:
    from django.test import TransactionTestCase

    from tests.emptying import empty_tables

    case: Any = TransactionTestCase
    usual = case._fixture_teardown
    case._fixture_teardown = lambda self: empty_tables()
    yield
    case._fixture_teardown = usual
