"""Writing the access log: one entry for what a request showed, changed, decided or exported.

Where the entry cannot be written, an export does not leave (nobody would know that it did). A page
is shown all the same, since a broker with the insured on the telephone must not stand before a shut
door; and what was changed is changed, to say otherwise would be untrue. Both are an error in the
process's own log then, which names ids and no household. Decisions and runs keep their own history
in the transaction of the change itself.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import structlog
from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import DatabaseError, transaction
from django.db.models import Model
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch
from django.utils import timezone

from quotes.models import Deed, User
from quotes.services.audit import NotLogged, lately, record, record_once
from quotes.views.access import Passage, Whose, whose
from quotes.views.audit_rules import RULES, Rule

log = structlog.get_logger(__name__)
MOST_NARROWED = 1000
SAFE = frozenset({"GET", "HEAD"})
ADMINS_PAGES = {"change": "page", "changelist": "list", "add": "new"}
Entry = tuple[str, str, bool]
"""The deed, its words, and whether doing it again within a quarter of an hour is the same."""


def log_access(request: HttpRequest, response: HttpResponseBase, passage: Passage) -> None:
    """Write what the answer to `request` showed or did. Raises NotLogged for an export alone."""
    match, user = request.resolver_match, request.user
    if match is None or not isinstance(user, User):
        return
    entry = None
    try:
        if response.status_code == 404:
            _refused(user, passage)
            return
        entry = _entry(request.method or "", response.status_code, match)
        if entry is not None and not _changed_nothing(entry, passage):
            _write(user, entry, _about(match, passage, entry),
                   _details(request, match, passage, entry))  # fmt: skip
    except DatabaseError as error:
        deed = entry[0] if entry else ""
        log.error(
            "access_log_not_written",
            route=match.view_name, deed=deed, user=user.pk, problem=type(error).__name__,
            insureds=[str(each.insured) for each in passage.whose if each.insured],
        )  # fmt: skip
        if deed == Deed.EXPORTED:
            raise NotLogged from error


def log_sign_in(user: User) -> None:
    """Write that somebody signed in. Where that fails they are in all the same."""
    try:
        with transaction.atomic():
            record(actor=user, deed=Deed.SIGNED_IN, what="Signed in")
    except DatabaseError as error:
        log.error("access_log_not_written", deed=Deed.SIGNED_IN, user=user.pk,
                  problem=type(error).__name__)  # fmt: skip


def _entry(method: str, status: int, match: ResolverMatch) -> Entry | None:
    """What to write of an answer, None for nothing."""
    rule = rule_of(match)
    shown = 200 <= status < 300
    if method in SAFE:
        return (rule.get, rule.look, rule.get == Deed.VIEWED) if rule.get and shown else None
    if method != "POST":
        return None
    if rule.post in {Deed.VIEWED, Deed.EXPORTED}:
        words = rule.act or rule.look
        return (rule.post, words, rule.post == Deed.VIEWED) if shown else None
    if rule.post and (300 <= status < 400 or (shown and rule.in_place)):
        return rule.post, rule.did(match.kwargs), False
    if (shown or status in {409, 422}) and rule.look:
        return Deed.VIEWED, rule.look, True
    return None


def rule_of(match: ResolverMatch) -> Rule:
    """The rule of an address; one without any is logged under its own name."""
    if match.namespaces == ["quotes"]:
        name = match.url_name or match.route
        return RULES.get(name) or Rule(
            get=Deed.VIEWED, post=Deed.CHANGED, look=name, act=name, in_place=True
        )
    if match.namespaces == ["admin"]:
        words = f"Administration: {_in_words(match.url_name or match.route)}"
        look = Deed.VIEWED if _admins_row(match) else None
        return Rule(get=look, post=Deed.ADMINISTERED, look=words, act=words)
    return Rule(why_nothing="no page of a household: the doors, and signs of life")


def _in_words(name: str) -> str:
    """ "quotes_decisionevent_change" as somebody reads it who has never seen the code: "decision
    event, page". Whether the page was looked at or sent is said by the deed."""
    app, _, rest = name.partition("_")
    model, _, page = rest.partition("_")
    try:
        called = apps.get_model(app, model)._meta.verbose_name
    except LookupError:
        return name.replace("_", " ")
    return f"{called}, {ADMINS_PAGES.get(page, page.replace('_', ' '))}"


def _changed_nothing(entry: Entry, passage: Passage) -> bool:
    """Whether an act says itself that all of it was so before: a cell left as it was."""
    return entry[0] == Deed.CHANGED and passage.details.get("changes") == []


def _about(match: ResolverMatch, passage: Passage, entry: Entry) -> list[Whose]:
    """Whom the entries are about. A look at nobody in particular is no entry, but where the rule
    wants it; an act or an export is, whomever it is about."""
    wanted = entry[0] != Deed.VIEWED or rule_of(match).of_nobody
    return _seen(match, passage) or ([Whose(None, None)] if wanted else [])


def _write(user: User, entry: Entry, about: list[Whose], details: dict[str, Any]) -> None:
    deed, what, once = entry
    now = timezone.now()
    # Most looks find their entry: on SQLite a transaction would wait for whoever writes.
    if once and all(lately(user, deed, what, each.insured, each.run, now) for each in about):
        return
    write = record_once if once else record
    # Of its own, all or none, so that a database that refuses it goes on serving the page.
    with transaction.atomic():
        for each in about:
            write(
                actor=user, deed=deed, what=what,
                insured_ref=each.insured, run_ref=each.run, data=details, at=now,
            )  # fmt: skip


def _refused(user: User, passage: Passage) -> None:
    """Somebody asked for a row that is there and not theirs. One that is nowhere is no entry."""
    if not passage.refused:
        return
    with transaction.atomic():
        for model, pk in passage.refused:
            found = _refs(model, pk)
            if found is not None and (found.insured or found.run):
                record_once(
                    actor=user, deed=Deed.REFUSED, what=f"Asked for: {model._meta.verbose_name}",
                    insured_ref=found.insured, run_ref=found.run,
                )  # fmt: skip


def _seen(match: ResolverMatch, passage: Passage) -> list[Whose]:
    """Each run once, and each insured of which no run was among them."""
    every = list(passage.whose)
    if match.namespaces == ["admin"] and (row := _admins_row(match)) is not None:
        every.append(row)
    runs: dict[UUID, Whose] = {}
    for each in every:
        # A row may say its run and not the run's insured, and the run came along with both.
        if each.run and (each.insured or each.run not in runs):
            runs[each.run] = each
    of_runs = {each.insured for each in runs.values()}
    plain = {each.insured for each in every if each.insured and not each.run} - of_runs
    return [*runs.values(), *(Whose(pk, None) for pk in sorted(plain))]


def _details(
    request: HttpRequest, match: ResolverMatch, passage: Passage, entry: Entry
) -> dict[str, Any]:
    """Which quote, attachment, proposal or account, and of an export what it was narrowed to: ids
    and codes as they stand in the address, where nothing personal stands."""
    stated: dict[str, Any] = {name: str(value) for name, value in match.kwargs.items()}
    if entry[0] == Deed.EXPORTED and request.GET:
        stated["narrowed"] = request.GET.urlencode()[:MOST_NARROWED]
    return {**stated, **passage.details}


def _admins_row(match: ResolverMatch) -> Whose | None:
    """Whose row a page of the admin is about; None where it is about no household."""
    name, pk = match.url_name or "", match.kwargs.get("object_id")
    parts = name.split("_")
    if pk is None or len(parts) != 3 or parts[0] != "quotes":
        return None
    try:
        found = _refs(apps.get_model("quotes", parts[1]), pk)
    except (LookupError, ValueError, ValidationError):
        return None
    return found if found and (found.insured or found.run) else None


def _refs(model: type[Model], pk: UUID | str) -> Whose | None:
    """Whose row `pk` is, read with no other column; None where there is none."""
    columns = ["pk"]
    for name in ("insured", "run"):
        try:
            columns.append(model._meta.get_field(name).name)
        except FieldDoesNotExist:
            continue
    try:
        row = model._base_manager.filter(pk=pk).only(*columns).first()
    except (ValueError, ValidationError):
        return None
    return whose(row) if row is not None else None
