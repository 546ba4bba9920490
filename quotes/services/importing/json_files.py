"""Documents as JSON: one `input`, one whole submit body, or a list of either."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from quotes.models import Carrier, Insured, User
from quotes.models.carrier import carrier_key
from quotes.services import documents as doc
from quotes.services import intake, origins, reading
from quotes.services.grouping import quoted_packages
from quotes.services.importing.carriers import close_carriers, new_carrier_words
from quotes.services.importing.households import plain
from quotes.services.importing.preview import InsuredForecast, QuoteForecast, State
from quotes.services.importing.snapshots import Snapshot, differences, snapshot
from quotes.services.importing.stated import Problem
from quotes.services.reading import Document, Mistake, Unreadable

MOST_DOCUMENTS = 100
"""Each is compared with what is stored by itself, while others wait to write."""
MOST_MISTAKES = 500
KEPT = "Parts of the document that are kept and sent on"
LISTS = ("inputs", "documents")
"""Keys under which a list of documents may stand instead of at the top."""


def is_json(raw: bytes) -> bool:
    """Whether a file's content begins as an object or a list, whatever its name says."""
    return raw[:200].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def read_documents(raw: bytes) -> list[Document]:
    """Every document of a file, checked. Raises Unreadable with every mistake of every one."""
    if len(raw) > reading.MOST_BYTES:
        raise Unreadable([Mistake("file", "is larger than 5 MB; send fewer quotes at a time")])
    values = _listed(reading.decode(raw))
    if len(values) > MOST_DOCUMENTS:
        raise Unreadable(
            [
                Mistake(
                    "file",
                    f"holds {len(values):,} documents; send at most {MOST_DOCUMENTS} at a time, or "
                    "a table of any number of rows up to 10,000",
                )
            ]
        )
    documents: list[Document] = []
    mistakes: list[Mistake] = []
    for number, value in enumerate(values, start=1):
        try:
            documents.append(reading.read_value(value))
        except Unreadable as error:
            mistakes += error.mistakes if len(values) == 1 else _numbered(number, error)
    if mistakes:
        raise Unreadable(mistakes[:MOST_MISTAKES])
    return documents


def _listed(value: Any) -> list[Any]:
    if isinstance(value, dict):
        found = next((value[key] for key in LISTS if isinstance(value.get(key), list)), None)
        if found is None or "input" in value or "quotes" in value:
            return [value]
        value = found
    if not isinstance(value, list):
        return [value]
    if not value:
        raise Unreadable([Mistake("file", "is an empty list: there is nothing to import")])
    return value


def _numbered(number: int, error: Unreadable) -> Iterator[Mistake]:
    for each in error.mistakes:
        where = "" if each.field == "file" else f", {each.field}"
        yield Mistake(f"document {number}{where}", each.message)


def removed_keys(documents: Sequence[Document]) -> list[str]:
    """What was taken out of the documents, each with its document's number where several."""
    if len(documents) == 1:
        return documents[0].removed
    return [
        f"document {number}, {path}"
        for number, document in enumerate(documents, start=1)
        for path in document.removed
    ]


@dataclass
class Imported:
    """What importing documents did. `touched` are the insureds, in the documents' order."""

    insureds: list[InsuredForecast] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    touched: list[UUID] = field(default_factory=list)


def import_documents(
    *,
    documents: Sequence[Document],
    owner: User,
    target: Insured | None,
    origin: origins.Origin,
) -> Imported:
    """Store the documents and tell what that changed.

    A caller that only wants to know rolls its transaction back. A document that belongs to
    another household than `target` is a problem, and is not stored.
    """
    imported = Imported(warnings=_new_carriers(documents))
    several = len(documents) > 1
    for number, document in enumerate(documents, start=1):
        where = f"document {number}" if several else ""
        said = f"{origin.where}, {where}".strip(", ") if where else origin.where
        if target is not None and not _belongs(document, target):
            imported.problems.append(_foreign(document, target, where))
            continue
        before = snapshot(target or _known(document, owner))
        done = intake.import_document(
            document=document,
            owner=owner,
            origin=origins.Origin(origin.how, where=said, by=origin.by, at=origin.at),
            insured=target,
            profile=target is None or _names_somebody(document),
        )
        imported.insureds.append(_forecast(done, before))
        imported.touched.append(done.insured.pk)
    return imported


def _known(document: Document, owner: User) -> Insured | None:
    return intake.known_insured(owner, intake.identity_key(document))


def _names_somebody(document: Document) -> bool:
    own = any(document.input.get(name) for name in intake.OWN_IDS)
    return own or bool(doc.read_name(document.input.get("applicant")))


def _belongs(document: Document, target: Insured) -> bool:
    """Whether the document may be of the household that the import was opened for."""
    if not _names_somebody(document) or intake.identity_key(document) == target.identity_key:
        return True
    both_have_ids = target.identity_key.startswith("id:") and any(
        document.input.get(name) for name in intake.OWN_IDS
    )
    name = doc.read_name(document.input.get("applicant"))
    known = plain(target.applicant_name)
    return not both_have_ids and (not known or plain(name) == known)


def _foreign(document: Document, target: Insured, where: str) -> Problem:
    name = doc.read_name(document.input.get("applicant")) or "another household by its id"
    return Problem(
        f"is of {name}, but this import was opened for {target.shown_name}. Import it from the "
        "list of insureds",
        column=f"{where}, input.applicant".strip(", "),
    )


def _new_carriers(documents: Sequence[Document]) -> list[Problem]:
    names = {each.carrier.strip() for d in documents for each in quoted_packages(d)}
    known = Carrier.objects.by_key(names)
    new = sorted(name for name in names if carrier_key(name) not in known)
    close = close_carriers(new)
    return [Problem(new_carrier_words(name, close.get(name)), blocking=False) for name in new]


def _forecast(done: intake.Intake, before: Snapshot) -> InsuredForecast:
    insured = done.insured
    after = snapshot(insured)
    changes, hidden = differences(before.profile, after.profile)
    state = State.CREATED if done.created else State.CHANGED if changes else State.UNCHANGED
    if state == State.UNCHANGED and hidden:
        state = State.CHANGED
    insured.refresh_from_db(fields=["applicant_name", "city", "state", "zip_code"])
    forecast = InsuredForecast(
        insured.shown_name,
        insured.place,
        state,
        pk=None if done.created else insured.pk,
        changes=changes if state == State.CHANGED else [],
        also_changed=KEPT if state == State.CHANGED and not changes else "",
    )
    for quote in done.quotes:
        now, was = after.quotes[quote.pk], before.quotes.get(quote.pk)
        told = QuoteForecast(
            quote.carrier_name,
            State.CREATED,
            premiums=after.premiums[quote.pk],
            package=quote.package_premium_annual,
        )
        if was is not None:
            told.changes, hidden = differences(was, now)
            told.state = State.CHANGED if told.changes or hidden else State.UNCHANGED
            if hidden and not told.changes:
                told.also_changed = KEPT
        forecast.quotes.append(told)
    return forecast
