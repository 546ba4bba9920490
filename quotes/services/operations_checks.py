"""What a reading of the place means: a list of checks in words, each with what to do.

Pure: it looks at nothing but the reading and the settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from quotes import VERSION
from quotes.nexio.address import key_environment
from quotes.services.operations import Reading

OK, WARN, FAIL = "ok", "warn", "fail"
SLOW_MS = 250.0
LITTLE_ROOM, NO_ROOM = 1_000_000_000, 100_000_000
MOST_TASKS = 200
QUEUED_LONG = timedelta(minutes=5)
UNHEARD_LONG = timedelta(minutes=5)
FEWEST_TO_JUDGE, TOO_MANY = 5, 0.2
"""An hour with fewer lost requests than that says nothing; above a fifth something is wrong."""
UNREAD = "Could not be read."
DO_UNREAD = "Run manage.py migrate, and see that the database's role may read every table."


@dataclass(frozen=True)
class Check:
    """`level` is "ok", "warn" or "fail"; `do` is empty where nothing is to be done."""

    code: str
    label: str
    level: str
    says: str
    do: str = ""


def check_all(reading: Reading) -> list[Check]:
    """Every check, in the order in which one would mend things."""
    found = [_database(reading)]
    if reading.database.answers:
        found += [_migrations(reading), _workers(reading), _versions(reading), _key(reading)]
        found += [_holds(reading), _sending(reading), _asking(reading), _settling(reading)]
        found += [_errors(reading), _queue(reading), _sealing(reading)]
    unread = ", ".join(check.label.lower() for check in found if check.says == UNREAD)
    if unread:
        found = [check for check in found if check.says != UNREAD]
        found.append(Check("unread", "Tables", FAIL, f"Could not be read: {unread}.", DO_UNREAD))
    return [*found, _disk(reading), _attachments(reading), *_settings(reading)]


def worst(checks: list[Check]) -> str:
    """The most serious level of all."""
    levels = {check.level for check in checks}
    return FAIL if FAIL in levels else WARN if WARN in levels else OK


def age(moment: datetime, now: datetime) -> str:
    """ "12 s", "4 min", "3 h", "2 days"."""
    seconds = max(int((now - moment).total_seconds()), 0)
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 172_800 else f"{seconds // 86_400} days"


def _runs(count: int, verb: str = "", verbs: str = "") -> str:
    return f"{count} run {verb}".strip() if count == 1 else f"{count} runs {verbs}".strip()


def _unread(code: str, label: str) -> Check:
    return Check(code, label, FAIL, UNREAD)


def _database(reading: Reading) -> Check:
    base = reading.database
    if not base.answers or base.latency_ms is None:
        do = "See that the database runs and that DATABASE_URL names it; the rest waits for it."
        return Check("database", "Database", FAIL, f"{base.kind} does not answer.", do)
    took = f"{base.latency_ms:.0f} ms" if base.latency_ms >= 1 else "under 1 ms"
    says = f"{base.kind} answers in {took}."
    if base.latency_ms > SLOW_MS:
        return Check("database", "Database", WARN, says, "Look at its load and at the network.")
    return Check("database", "Database", OK, says)


def _migrations(reading: Reading) -> Check:
    pending = reading.pending
    if pending is None:
        return _unread("migrations", "Migrations")
    if not pending:
        return Check("migrations", "Migrations", OK, "All are applied.")
    named = ", ".join(pending[:3]) + (f" and {len(pending) - 3} more" if len(pending) > 3 else "")
    return Check("migrations", "Migrations", FAIL, f"Not applied: {named}.", "manage.py migrate")


def _workers(reading: Reading) -> Check:
    code, label = "workers", "Workers"
    if reading.workers is None:
        return _unread(code, label)
    silent = [worker for worker in reading.workers if worker.state == "silent"]
    names = ", ".join(
        f"{each.host} (process {each.pid}, silent for {age(each.beat_at, reading.at)})"
        for each in silent
    )
    count = len(reading.serving)
    if not count:
        says = f"None serves. Last seen: {names}." if names else "None serves."
        return Check(code, label, FAIL, says, "Start one: manage.py worker. Runs wait until then.")
    says = f"{count} serve{'s' if count == 1 else ''}."
    if silent and not _replaced(reading):
        do = "See whether it was killed or its host is gone; others take over what it held."
        return Check(code, label, WARN, f"{says} Gone silent: {names}.", do)
    return Check(code, label, OK, says)


def _replaced(reading: Reading) -> bool:
    """Whether every silent worker was followed by a newer one on the same host."""
    newest = {each.host: each.started_at for each in reading.serving}
    silent = [each for each in reading.workers or [] if each.state == "silent"]
    return all(each.host in newest and newest[each.host] > each.beat_at for each in silent)


def _versions(reading: Reading) -> Check:
    others = sorted({each.version or "unknown" for each in reading.serving} - {VERSION})
    if others:
        says = f"A worker runs {', '.join(others)}, this process {VERSION}."
        return Check("version", "Version", WARN, says, "Restart what was not restarted.")
    return Check("version", "Version", OK, f"{VERSION} everywhere.")


def _key(reading: Reading) -> Check:
    code, label = "key", "Nexio key"
    service = reading.service
    if service is None:
        return _unread(code, label)
    if not service.same_key:
        says = "This process and the workers have different keys."
        return Check(code, label, WARN, says, "Restart web and workers with the same key.")
    if service.key_refused_at is not None:
        says = f"Nexio has refused it for {age(service.key_refused_at, reading.at)}: all waits."
        do = "Put a working NEXIO_API_KEY into the environment and restart; runs then go on."
        return Check(code, label, FAIL, says, do)
    return Check(code, label, OK, "Not refused.")


def _holds(reading: Reading) -> Check:
    code, label = "holds", "Holds"
    service, now = reading.service, reading.at
    if service is None:
        return _unread(code, label)
    held = [
        f"{what} for another {age(now, until)}"
        for what, until in (
            ("sending", service.submits_held_until),
            ("asking", service.polls_held_until),
        )
        if until is not None and until > now
    ]
    if not held:
        return Check(code, label, OK, "Nexio asks for no pause.")
    do = "It ends by itself. Where it keeps coming back, ask Nexio for a higher limit."
    return Check(code, label, WARN, f"Nexio asked to wait: {' and '.join(held)}.", do)


def _sending(reading: Reading) -> Check:
    code, label = "sending", "Waiting to be sent"
    backlog, now = reading.backlog, reading.at
    if backlog is None:
        return _unread(code, label)
    if not backlog.queued or backlog.oldest_queued_at is None:
        return Check(code, label, OK, "None.")
    oldest = age(backlog.oldest_queued_at, now)
    says = f"{_runs(backlog.queued)}, the oldest for {oldest}."
    if now - backlog.oldest_queued_at > QUEUED_LONG:
        do = "Look at the workers, the key and the network to Nexio; then requeue what is held."
        return Check(code, label, WARN, says, do)
    return Check(code, label, OK, says)


def _asking(reading: Reading) -> Check:
    code, label = "asking", "Being ranked"
    backlog, now = reading.backlog, reading.at
    if backlog is None:
        return _unread(code, label)
    if backlog.elsewhere:
        says = f"{_runs(backlog.elsewhere, 'belongs', 'belong')} to another service address."
        return Check(
            code, label, WARN, says, "Point the app there again, or give those up one by one."
        )
    if backlog.late:
        says = f"{_runs(backlog.late, 'was', 'were')} due over a minute ago; nobody is at it."
        return Check(code, label, WARN, says, "Look at the workers, the key and the holds.")
    if backlog.overdue:
        says = f"{_runs(backlog.overdue, 'has', 'have')} been at Nexio for over ten minutes."
        return Check(code, label, WARN, says, "Nothing is failed by itself: ask Nexio, or wait.")
    if not backlog.waiting or backlog.oldest_waiting_at is None:
        return Check(code, label, OK, "None.")
    oldest = age(backlog.oldest_waiting_at, now)
    return Check(code, label, OK, f"{_runs(backlog.waiting)}, the oldest for {oldest}.")


def _settling(reading: Reading) -> Check:
    code, label = "settling", "Needs a person"
    if reading.states is None:
        return _unread(code, label)
    count = {each.state: each.all for each in reading.states}
    lost, unreadable = count["submit_unknown"], count["bad_response"]
    if not lost and not unreadable:
        return Check(code, label, OK, "No run.")
    parts = [f"{lost} lost in sending"] if lost else []
    parts += [f"{unreadable} with unreadable replies"] if unreadable else []
    do = "Settle them one by one, with their brokers: Operations, “Runs to see to”."
    return Check(code, label, WARN, f"{' and '.join(parts).capitalize()}.", do)


def _errors(reading: Reading) -> Check:
    code, label = "errors", "Last hour"
    traffic, backlog, now = reading.traffic, reading.backlog, reading.at
    if traffic is None:
        return _unread(code, label)
    sent, lost, heard = traffic.sent_hour, traffic.lost_hour, reading.heard_at
    says = f"{sent} sent, {lost} did not go through."
    if lost >= FEWEST_TO_JUDGE and lost > sent * TOO_MANY:
        return Check(code, label, WARN, says, "See which kind it is, and Nexio's own status.")
    waits = backlog is not None and backlog.waiting
    if waits and heard is not None and now - heard > UNHEARD_LONG:
        says += f" Nothing was heard of Nexio for {age(heard, now)} while runs wait."
        return Check(code, label, WARN, says, "Test the connection; look at the workers.")
    return Check(code, label, OK, says)


def _queue(reading: Reading) -> Check:
    code, label, queue = "queue", "Queue", reading.queue
    if queue is None:
        return _unread(code, label)
    if queue.hints is None:
        says = f"{queue.kind} does not answer; hints go by way of the database. No run is lost."
        do = "See that it runs and that QUEUE_URL names it."
        return Check(code, label, WARN, says, do)
    says = f"{queue.hints} hint{'' if queue.hints == 1 else 's'} waiting in {queue.kind}; "
    says += "a lost hint loses no run."
    if queue.hints > MOST_TASKS:
        do = "No worker takes them: start one. They are only hints; no run hangs on them."
        return Check(code, label, WARN, says, do)
    return Check(code, label, OK, says)


def _sealing(reading: Reading) -> Check:
    code, label = "sealing", "Sealed data"
    sealing = reading.sealing
    if sealing is None:
        return _unread(code, label)
    if sealing.missing:
        says = f"Rows are sealed with {', '.join(sealing.missing)}, which DATA_KEYS does not name."
        do = "Put that key behind the first of DATA_KEYS and restart; until then they stay shut."
        return Check(code, label, FAIL, says, do)
    if sealing.waiting:
        tables = "1 table has" if sealing.waiting == 1 else f"{sealing.waiting} tables have"
        says = f"{tables} rows that are not under the key {sealing.key_id}, or may be."
        return Check(code, label, WARN, says, "Run manage.py reseal_data as the database's owner.")
    if sealing.behind:
        says = "A process seals with another key than this one's first."
        do = "Restart web and workers with the same DATA_KEYS; then run manage.py reseal_data."
        return Check(code, label, WARN, says, do)
    older = f"; {sealing.older} older kept for backups" if sealing.older else ""
    return Check(code, label, OK, f"All under the key {sealing.key_id}{older}.")


def _disk(reading: Reading) -> Check:
    code, label, free = "disk", "Disk", reading.files.free
    if free is None:
        return Check(code, label, FAIL, "DATA_DIR cannot be looked at.", "See that it exists.")
    size = f"{free / 1e9:,.1f} GB" if free >= 1e9 else f"{free / 1e6:,.0f} MB"
    says = f"{size} free under DATA_DIR."
    if free < LITTLE_ROOM:
        level = FAIL if free < NO_ROOM else WARN
        return Check(code, label, level, says, "Make room, or move DATA_DIR to a larger disk.")
    return Check(code, label, OK, says)


def _attachments(reading: Reading) -> Check:
    code, label = "attachments", "Attachments"
    if reading.files.attachments_writable:
        return Check(code, label, OK, "Their folder can be written.")
    do = "Give the app's user the right to write there; until then no file can be attached."
    return Check(code, label, FAIL, "Their folder cannot be written.", do)


def _settings(reading: Reading) -> Iterator[Check]:
    """Settings that work and should not be; one check in all where there are none."""
    production, demo = settings.PRODUCTION, reading.demo_people
    live = key_environment(settings.NEXIO_KEY) == "live" and not settings.NEXIO_IS_SANDBOX
    worries = []
    if settings.DEBUG:
        worries.append(("DEBUG is on: errors show the code.", "Set DEBUG=false."))
    if production and settings.NEXIO_IS_SANDBOX:
        worries.append(("Production talks to the sandbox.", "Set NEXIO_API_KEY."))
    if production and demo:
        do = "Make them inactive in Django admin: their passwords are public."
        worries.append((f"{demo} demo accounts are active in production.", do))
    if production and reading.database.kind == "SQLite":
        do = "Use PostgreSQL: SQLite serves one host, and one writer at a time."
        worries.append(("Production keeps its data in SQLite.", do))
    if live and not production:
        do = "Set APP_ENV=production, which demands secure cookies and HTTPS."
        worries.append(("A live key is used, but APP_ENV is not production.", do))
    for number, (says, do) in enumerate(worries, 1):
        yield Check(f"settings_{number}", "Settings", WARN, says, do)
    if not worries:
        yield Check("settings", "Settings", OK, "Nothing to be said against them.")
