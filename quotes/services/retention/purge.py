"""Purging: everything of a household at once, or nothing; a tombstone says what went.

The triggers that keep history let it go only while a pass stands, which is written and taken away
inside the same transaction; the app's own database role cannot write it. Files go once the rows are
gone for certain: what a crash leaves behind in between, the next purge's sweep finds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.db import connection, transaction
from django.db.models import Exists, Model, OuterRef, Q

from quotes.models import (
    Attachment,
    AuditEvent,
    Comment,
    DecisionEvent,
    Deed,
    Driver,
    ExportPart,
    ImportDraft,
    IncumbentPolicy,
    Insured,
    InsuredShare,
    LegalHold,
    Notice,
    Proposal,
    ProposalOption,
    ProposalPage,
    PurgePass,
    Quote,
    QuoteLine,
    ReviewRequest,
    Run,
    RunCarrier,
    RunEvent,
    RunFact,
    Solution,
    SolutionLine,
    Tombstone,
    Vehicle,
)
from quotes.models.figures import figures_changed
from quotes.models.retention import AUDIT_TERM
from quotes.services.audit import record_command, system_account
from quotes.services.packets import MADE
from quotes.services.retention.rules import cutoff, judge, rule_words

# What hangs on what goes first. The filter leads from a row to its insured.
GOES: tuple[tuple[type[Model], str], ...] = (
    (ReviewRequest, "run__insured"),
    (Notice, "run__insured"),
    (Comment, "run__insured"),
    (DecisionEvent, "run__insured"),
    (ProposalOption, "proposal__run__insured"),
    (ProposalPage, "proposal__run__insured"),
    (Proposal, "run__insured"),
    (RunEvent, "run__insured"),
    (RunCarrier, "run__insured"),
    (RunFact, "insured"),
    (SolutionLine, "solution__run__insured"),
    (Solution, "run__insured"),
    (Run, "insured"),
    (Attachment, "insured"),
    (ImportDraft, "insured"),
    (InsuredShare, "insured"),
    (LegalHold, "insured"),
    (QuoteLine, "quote__insured"),
    (Quote, "insured"),
    (Driver, "insured"),
    (Vehicle, "insured"),
    (IncumbentPolicy, "insured"),
    (Insured, "pk"),
)
BATCH = 1000


class Kept(Exception):
    """The insured stays, for the reason given; something of it changed since it was judged."""


def purge_insured(insured: UUID, *, now: datetime, by: str = "") -> Tombstone:
    """Delete the insured and everything of it, and leave a tombstone; in one transaction.

    Judged again inside it, under the row's lock. Raises Kept, or Insured.DoesNotExist.
    """
    with transaction.atomic(durable=True):
        Insured.objects.select_for_update().only("pk").get(pk=insured)
        list(Run.objects.select_for_update().filter(insured=insured).values_list("pk", flat=True))
        verdict = judge(insured, now)
        if verdict.kept:
            raise Kept(verdict.kept)
        paths = list(Attachment.objects.filter(insured=insured).values_list("file", flat=True))
        storage = Attachment._meta.get_field("file").storage
        digests = _digests(insured)
        counts = _delete_all(insured)
        tombstone = Tombstone.objects.create(
            insured_ref=insured, purged_at=now, purged_by=by or system_account(),
            rule=rule_words(), last_touched_at=verdict.last_touched,
            counts=counts, digests=digests,
        )  # fmt: skip
        record_command(
            command="purge", deed=Deed.PURGED, what="Purged the insured",
            insured_ref=insured, data={"rule": rule_words(), "counts": counts},
        )  # fmt: skip
        for path in paths:
            transaction.on_commit(partial(storage.delete, path), robust=True)
    return tombstone


def old_entries(now: datetime) -> Any:
    """Entries of the access log past the term whose insured is gone, or that name none.

    Those of a living insured stay with it, however old, the exports of lists that it was in too.
    """
    living = Insured.objects.filter(pk=OuterRef("insured_ref"))
    listed = ExportPart.objects.filter(
        event=OuterRef("pk"), insured_ref__in=Insured.objects.values("pk")
    )
    return AuditEvent.objects.filter(at__lt=cutoff(now)).filter(
        Q(insured_ref__isnull=True) & ~Exists(listed)
        | Q(insured_ref__isnull=False) & ~Exists(living)
    )


def purge_entries(*, now: datetime) -> int:
    """Delete the entries that are past their term; how many those were."""
    gone = 0
    while True:
        with transaction.atomic(durable=True):
            found = list(old_entries(now).order_by("pk").values_list("pk", flat=True)[:BATCH])
            if not found:
                break
            PurgePass.objects.create(ref=AUDIT_TERM)
            _raw_delete(ExportPart, Q(event__in=found))
            _raw_delete(AuditEvent, Q(pk__in=found))
            PurgePass.objects.filter(ref=AUDIT_TERM).delete()
            gone += len(found)
    if gone:
        record_command(
            command="purge", deed=Deed.PURGED, what="Purged entries of the access log",
            data={"entries": gone, "rule": rule_words()},
        )  # fmt: skip
    return gone


def _delete_all(insured: UUID) -> dict[str, int]:
    runs = list(Run.objects.filter(insured=insured).values_list("pk", flat=True))
    proposals = list(Proposal.objects.filter(run__in=runs).values_list("pk", flat=True))
    passes = [insured, *runs, *proposals]
    PurgePass.objects.bulk_create(PurgePass(ref=ref) for ref in passes)
    quotes = list(Quote.objects.filter(insured=insured).values_list("pk", flat=True))
    days = list(RunFact.objects.filter(insured=insured).values_list("created_on", flat=True))
    # Names stand in the admin's own log as well.
    named = LogEntry.objects.filter(object_id__in=[str(pk) for pk in (*passes, *quotes)])
    counts = {"admin log entry": named.count()}
    named.delete()
    Insured.objects.filter(renewal_of=insured).update(renewal_of=None)
    Run.objects.filter(pk__in=runs).update(chosen=None, decision="undecided", resubmission_of=None)
    for model, path in GOES:
        counts[str(model._meta.verbose_name)] = _raw_delete(model, Q(**{path: insured}))
    PurgePass.objects.filter(ref__in=passes).delete()
    figures_changed(days)
    return {name: count for name, count in counts.items() if count}


def _raw_delete(model: type[Model], which: Q) -> int:
    """Delete rows without reading them; what hangs on them was deleted before."""
    rows: Any = model._base_manager.filter(which)
    return int(rows._raw_delete(connection.alias) or 0)


def _digests(insured: UUID) -> dict[str, Sequence[Any]]:
    """SHA-256 of what may turn up again in somebody's file: that it was ours can be shown."""
    runs = Run.objects.filter(insured=insured).order_by("number")
    bodies = runs.values_list("number", "request_body", "response_body").iterator(chunk_size=1)
    sent = [
        {"run": number, "request": _sha256(request), "reply": _sha256(reply) if reply else None}
        for number, request, reply in bodies
    ]
    made = RunEvent.objects.filter(run__insured=insured, kind=MADE).order_by("pk")
    proposals = Proposal.objects.filter(run__insured=insured).order_by("made_at")
    return {
        "runs": sent,
        "packets": [data.get("manifest_sha256") for data in made.values_list("data", flat=True)],
        "proposals": list(proposals.values_list("sha256", flat=True)),
        "attachments": list(
            Attachment.objects.filter(insured=insured).values_list("sha256", flat=True)
        ),
    }


def _sha256(content: Any) -> str:
    return hashlib.sha256(bytes(content)).hexdigest()
