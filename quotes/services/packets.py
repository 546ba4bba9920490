"""E&O packets: all that is kept of a run in one ZIP, with a manifest that tells of any change.

The same data makes the same bytes: entries are in a fixed order with one fixed time, the PDF
carries the moment of the last thing that happened, and the making of packets is itself no part of
what is packed. The manifest's hash goes into the run's append-only history, and the manifest is
signed with the app's key, so that neither a changed file nor a rewritten manifest passes.
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import simplejson
from django.core.signing import Signer
from django.db import transaction
from django.utils import timezone

from quotes.models import Attachment, Run, User
from quotes.models.run import IN_FLIGHT
from quotes.services.agency import agency_words, without_logo
from quotes.services.decision_step import NotPossible
from quotes.services.packet_content import packet_words
from quotes.services.packet_documents import Kept, decision_document, timeline_document
from quotes.services.typesetting import NotTypeset, Typeset
from quotes.services.what_if.origin import supposed_premiums, what_if_of

MANIFEST, SIGNATURE, SUMMARY = "manifest.json", "manifest.sig", "packet.pdf"
FORM = "brokerportal E&O packet 1"
MADE = "packet_made"
"""The kind of the run's event that holds a packet's hash."""
SALT = "quotes.packets.manifest"
"""Of its own, so that no other signature of the app passes for a packet's."""
FIXED_TIME = (2000, 1, 1, 0, 0, 0)
CHUNK = 1 << 16


@dataclass
class Packet:
    """What was written: the manifest's hash, how many files in all, what could not be packed."""

    manifest_sha256: str
    files: int
    absent: list[str] = field(default_factory=list)


def sign(manifest_sha256: str) -> str:
    """The signature over a manifest's hash, by SECRET_KEY; without a time, so it is repeatable."""
    return Signer(salt=SALT).sign(manifest_sha256)


@transaction.atomic
def make_packet(*, run: Run, out: IO[bytes], actor: User | None = None) -> Packet:
    """Write the run's packet to `out`, and its hash into the run's history.

    Raises NotPossible while the run is under way: what is not finished cannot be frozen.
    """
    run = (
        Run.objects.select_for_update(of=("self",))
        .select_related("insured", "started_by", "chosen")
        .get(pk=run.pk)
    )
    if run.state in IN_FLIGHT:
        raise NotPossible("The run is under way. Make the packet once it has ended.")
    packet = _Writer(out).write(_kept(run))
    count = packet.files
    run.note(
        at=timezone.now(),
        kind=MADE,
        text=f"E&O packet made with {count} files, manifest {packet.manifest_sha256[:12]}….",
        actor=actor,
        data={"manifest_sha256": packet.manifest_sha256},
    )
    return packet


def _kept(run: Run) -> Kept:
    decision_events = list(
        run.decision_events.select_related("solution", "proposal", "actor").order_by("id")
    )
    delivered = {event.proposal_id for event in decision_events if event.proposal_id}
    proposals = run.proposals.filter(pk__in=delivered).select_related("made_by")
    return Kept(
        run=run,
        solutions=list(run.solutions.prefetch_related("lines__carrier")),
        events=list(run.events.exclude(kind=MADE).select_related("actor")),
        decision_events=decision_events,
        proposals=list(proposals.prefetch_related("options__solution").order_by("number")),
        attachments=list(run.insured.attachments.order_by("added_at", "id")),
        origin=what_if_of(run),
        supposed=supposed_premiums(run),
    )


class _Writer:
    """A ZIP being filled, its manifest growing with it."""

    def __init__(self, out: IO[bytes]) -> None:
        self.zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED)
        self.entries: list[dict[str, Any]] = []
        self.absent: list[dict[str, Any]] = []

    def write(self, kept: Kept) -> Packet:
        run = kept.run
        self._add("request.json", bytes(run.request_body), "the request, byte for byte as sent")
        if run.response_body is not None:
            self._add("reply.json", bytes(run.response_body), "the last reply, byte for byte")
        self._add("timeline.json", _json(timeline_document(kept)), "everything that happened")
        self._add("decision.json", _json(decision_document(kept)), "the decision, step by step")
        for proposal in kept.proposals:
            what = f"proposal {proposal.number} as delivered"
            self._add(f"proposals/proposal-{proposal.number}.pdf", bytes(proposal.pdf), what)
        for attachment in kept.attachments:
            self._attach(attachment)
        files = [(entry["path"], entry["sha256"]) for entry in self.entries]
        self._add(SUMMARY, _summary(kept, files), "this packet for reading")
        return self._close(run)

    def _add(self, path: str, content: bytes, what: str, **more: Any) -> None:
        self._entry(path, iter([content]), what, **more)

    def _entry(self, path: str, chunks: Iterator[bytes], what: str, **more: Any) -> None:
        digest, size = hashlib.sha256(), 0
        with self.zip.open(_info(path), "w", force_zip64=True) as entry:
            for chunk in chunks:
                entry.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        listed = {"path": path, "size": size, "sha256": digest.hexdigest(), "what": what, **more}
        self.entries.append(listed)

    def _attach(self, attachment: Attachment) -> None:
        """By its id: a file's name may hold a person's, and stands in the manifest instead."""
        kind = mimetypes.guess_extension(attachment.content_type) or ""
        path = f"attachments/{attachment.pk}{kind}"
        told = {"name": attachment.name, "added_at": attachment.added_at.isoformat()}
        try:
            file = attachment.file.open("rb")
        except OSError:
            self.absent.append({"path": path, "sha256": attachment.sha256, **told})
            return
        with file:
            self._entry(path, iter(lambda: file.read(CHUNK), b""), "attachment", **told)
        if self.entries[-1]["sha256"] != attachment.sha256:
            self.entries[-1]["differs_from_when_added"] = attachment.sha256

    def _close(self, run: Run) -> Packet:
        manifest = _json(
            {
                "form": FORM,
                "run": str(run.pk),
                "nexio_run_id": run.nexio_run_id,
                "sandbox": run.sandbox,
                "files": self.entries,
                "absent": self.absent,
            }
        )
        manifest_hash = hashlib.sha256(manifest).hexdigest()
        for path, content in (
            (MANIFEST, manifest),
            (SIGNATURE, f"{sign(manifest_hash)}\n".encode("ascii")),
        ):
            with self.zip.open(_info(path), "w") as entry:
                entry.write(content)
        self.zip.close()
        names = [str(each["name"]) for each in self.absent]
        # The manifest and its signature are files of the ZIP as well.
        return Packet(manifest_hash, len(self.entries) + 2, names)


def _info(path: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(path, FIXED_TIME)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info


def _json(value: Any) -> bytes:
    text = simplejson.dumps(value, indent=2, use_decimal=True, allow_nan=False, ensure_ascii=False)
    return f"{text}\n".encode()


def _summary(kept: Kept, files: list[tuple[str, str]]) -> bytes:
    moments = [event.at for event in kept.events] + [each.at for each in kept.decision_events]
    at = max([*moments, kept.run.created_at])
    data = packet_words(kept, agency_words(), files)
    try:
        return Typeset("packet.typ", data, at=at).pdf()
    except NotTypeset:
        if "logo" not in data["agency"]:
            raise
        bare = {**data, "agency": without_logo(data["agency"])}
        return Typeset("packet.typ", bare, at=at).pdf()


def file_name(run: Run) -> str:
    """What a downloaded packet is called: nobody's name, only the run's id."""
    return f"eo-packet-{re.sub('[^0-9a-f]', '', str(run.pk))[:12]}.zip"
