"""What was pasted or dropped, kept until it is confirmed or discarded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from quotes.models import ImportDraft, Insured, User
from quotes.services.importing.entry import Incoming, Outcome, confirm, read_incoming
from quotes.services.origins import How

KEPT_FOR = dt.timedelta(days=1)
MOST_DRAFTS = 20
"""A broker's unfinished imports beyond this are dropped, the oldest first."""


@transaction.atomic
def keep_draft(
    *, raw: bytes, name: str, how: How, owner: User, insured: Insured | None
) -> ImportDraft:
    """Keep what came in, once it is known to be readable. Raises reading.Unreadable.

    Everybody's drafts of more than a day ago are deleted: they hold personal data that nobody
    confirmed.
    """
    read_incoming(Incoming(raw, name, how, owner, insured))
    ImportDraft.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()
    older = ImportDraft.objects.filter(owner=owner).order_by("-created_at").values_list("pk")
    ImportDraft.objects.filter(pk__in=[pk for (pk,) in older[MOST_DRAFTS - 1 :]]).delete()
    file = ImportDraft.How.FILE if how == How.IMPORTED else ImportDraft.How.PASTED
    return ImportDraft.objects.create(
        owner=owner, insured=insured, how=file, name=name[:200], raw=raw
    )


def incoming_of(draft: ImportDraft) -> Incoming:
    how = How.IMPORTED if draft.how == ImportDraft.How.FILE else How.PASTED
    return Incoming(
        raw=bytes(draft.raw),
        name=draft.name,
        how=how,
        owner=draft.owner,
        insured=draft.insured,
        mapping=draft.mapping if isinstance(draft.mapping, dict) else {},
    )


def set_mapping(draft: ImportDraft, mapping: Mapping[str, str]) -> bool:
    """Keep what the columns were said to be; whether that is something else than before."""
    if draft.mapping == dict(mapping):
        return False
    draft.mapping = dict(mapping)
    ImportDraft.objects.filter(pk=draft.pk).update(mapping=draft.mapping)
    return True


def confirm_draft(draft: ImportDraft, *, seal: str) -> Outcome:
    """Import the draft as previewed and delete it, once. Raises as `entry.confirm` does.

    The file is read before anything is locked; then whoever comes second, with a household that
    no key tells from the first one's, waits. Raises ImportDraft.DoesNotExist when the draft was
    imported or discarded meanwhile.
    """

    def take() -> None:
        deleted, _ = ImportDraft.objects.filter(pk=draft.pk).delete()
        if not deleted:
            raise ImportDraft.DoesNotExist

    return confirm(incoming_of(draft), seal=seal, first=take)
