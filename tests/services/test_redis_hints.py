"""The queue on a real Redis: hints go there, and losing every one of them loses nothing."""

from __future__ import annotations

import json
import socket

import pytest
import redis
from django.core.management import call_command
from django.utils import timezone
from django_q import conf
from django_q.brokers import get_broker
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from quotes.models import WorkerBeat
from quotes.services import operations_ready, redis_hints
from quotes.services.operations_ready import QUEUE_AWAY
from quotes.services.queueing import Queue, read_queue
from quotes.services.runs import wake_worker
from tests.factories import make_user
from tests.redis_server import KEY, queue_url  # noqa: F401  (a fixture, used by name)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def on_redis(monkeypatch):
    """django-q reads its settings once a process; the app's own are read each time."""
    monkeypatch.setattr(conf.Conf, "BROKER_CLASS", "quotes.services.redis_hints.RedisHints")
    for recent in (operations_ready.recently, operations_ready.recently_aside):
        monkeypatch.setattr(recent, "_answer", None)


@pytest.fixture
def nobody_there(settings, monkeypatch):
    """An address at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings.QUEUE_URL = f"redis://:hidden-word@127.0.0.1:{probe.getsockname()[1]}/0"
        monkeypatch.setattr(redis_hints, "PAUSE", 0.01)
        yield settings.QUEUE_URL


def hints(url: str) -> list[bytes]:
    with redis.Redis.from_url(url) as client:
        found: list[bytes] = client.lrange(KEY, 0, -1)
    return found


def test_a_hint_goes_to_redis_and_is_taken_once(queue_url):  # noqa: F811
    wake_worker()
    assert OrmQ.objects.count() == 0
    [raw] = hints(queue_url)
    task = SignedPackage.loads(raw.decode())
    assert (task["func"], task["args"]) == ("quotes.tasks.watch", ())
    first, second = get_broker(), get_broker()
    assert [first.dequeue(), second.dequeue()] == [[(None, raw)], None]
    assert read_queue() == Queue(kind="Redis", hints=0)


def test_a_hint_left_on_the_database_is_taken_as_well(queue_url):  # noqa: F811
    """So the setting can be changed while hints wait."""
    from django_q.brokers.orm import ORM

    ORM(list_key="brokerportal").enqueue("left there")
    broker = get_broker()
    [(identity, payload)] = broker.dequeue()
    assert payload == "left there"
    broker.acknowledge(identity)
    assert OrmQ.objects.count() == 0


def test_without_redis_a_hint_goes_by_way_of_the_database(nobody_there, caplog):
    wake_worker()
    assert OrmQ.objects.count() == 1
    broker = get_broker()
    [(identity, payload)] = broker.dequeue()
    assert SignedPackage.loads(payload)["func"] == "quotes.tasks.watch"
    broker.acknowledge(identity)
    assert OrmQ.objects.count() == 0
    for _ in range(3):
        assert broker.dequeue() is None
    said = [record.getMessage() for record in caplog.records]
    assert len([line for line in said if "queue_unreachable" in line]) == 2  # each broker once
    assert "hidden-word" not in caplog.text


def test_a_cluster_starts_while_redis_is_away(nobody_there):
    assert get_broker().ping()


def test_doctor_readyz_and_operations_say_where_hints_are(queue_url, capsys, client):  # noqa: F811
    wake_worker()
    now = timezone.now()
    WorkerBeat.objects.create(host="one", pid=1, started_at=now, beat_at=now, version="0.1.0")
    call_command("doctor", "--json")
    said = {check["code"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert said["queue"]["level"] == "ok"
    assert said["queue"]["says"] == "1 hint waiting in Redis; a lost hint loses no run."
    assert client.get("/readyz").content == b"ready\n"
    client.force_login(make_user("admin", "admin", is_staff=True))
    assert "<dd>1 <small>in Redis</small></dd>" in client.get("/operations/").content.decode()


def test_doctor_readyz_and_operations_say_that_redis_is_away(nobody_there, capsys, client):
    now = timezone.now()
    WorkerBeat.objects.create(host="one", pid=1, started_at=now, beat_at=now, version="0.1.0")
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--json")
    said = {check["code"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert (ended.value.code, said["queue"]["level"]) == (1, "warn")
    assert "QUEUE_URL" in said["queue"]["do"]
    assert "hidden-word" not in str(said)
    response = client.get("/readyz")
    assert (response.status_code, response.content.decode().splitlines()) == (
        200, ["ready", QUEUE_AWAY],
    )  # fmt: skip
    client.force_login(make_user("admin", "admin", is_staff=True))
    assert "Redis does not answer" in client.get("/operations/").content.decode()
