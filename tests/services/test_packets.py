"""E&O packets: what is in them, that they can be made again, and that nothing changed passes."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from pypdf import PdfReader

from quotes.models import Run, RunEvent, User
from quotes.services import decisions, packets
from quotes.services.decisions import NotPossible
from quotes.services.proposals import deliver_proposal, make_proposal
from tests import runs as made
from tests.decided import JUST_BEFORE, NOW, WHY, K, choose, packages, said
from tests.factories import make_people, stored_attachment

pytestmark = pytest.mark.django_db
Files = dict[str, bytes]


@pytest.fixture(autouse=True)
def _day() -> Any:
    with time_machine.travel(NOW):
        yield


def rows_that_stand() -> dict[str, Any]:
    with time_machine.travel(JUST_BEFORE):
        people = make_people()
        return {**people, "run": decided_run(people["broker"])}


def decided_run(broker: User) -> Run:
    """Rank 2 chosen, delivered in a proposal, higher limits offered and rejected."""
    run = made.completed_run(broker)
    choose(run, broker, rank=2)
    shown = make_proposal(run=run, solutions=packages(run), notes="", actor=broker)
    deliver_proposal(proposal=shown, actor=broker, said=said(how="email"))
    make_proposal(run=run, solutions=packages(run)[:2], notes="never sent", actor=broker)
    first = run.solutions.get(rank=1)
    decisions.decline_option(run=run, solution=first, actor=broker, said=said(reason="Too dear."))
    for kind in (K.LIMITS_OFFERED, K.LIMITS_REJECTED):
        words = said(line="auto", note="500 CSL instead of 250/500")
        decisions.record_limits(run=run, kind=kind, actor=broker, said=words)
    run.refresh_from_db()
    return run


@pytest.fixture
def people(rows: dict[str, Any]) -> dict[str, User]:
    return rows


@pytest.fixture
def run(rows: dict[str, Any], settings: Any, tmp_path: Path) -> Run:
    """That run, with a file."""
    settings.ATTACHMENTS_DIR = tmp_path / "attachments"
    run: Run = rows["run"]
    stored_attachment(run.insured, name="Fairweather dec page.pdf")
    run.refresh_from_db()
    return run


@pytest.fixture
def packet(run: Run, tmp_path: Path) -> Path:
    path = tmp_path / "packet.zip"
    with path.open("wb") as out:
        packets.make_packet(run=run, out=out)
    return path


def files_of(path: Path) -> Files:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, files: Files) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def verify(path: Path) -> tuple[int, str]:
    """Exit code and what was said."""
    out = io.StringIO()
    try:
        call_command("verify_packet", str(path), stdout=out)
    except CommandError as error:
        return error.returncode, str(error)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_everything_is_in_it_exactly(run: Run, packet: Path) -> None:
    files = files_of(packet)
    assert files["request.json"] == bytes(run.request_body)
    assert files["reply.json"] == bytes(run.response_body or b"")
    delivered, kept_back = run.proposals.order_by("number")
    assert files["proposals/proposal-1.pdf"] == bytes(delivered.pdf)
    assert bytes(kept_back.pdf) not in files.values()
    attachment = run.insured.attachments.get()
    assert files[f"attachments/{attachment.pk}.pdf"] == b"%PDF-1.7 fictional"
    assert "Fairweather" not in " ".join(files)
    manifest = json.loads(files["manifest.json"])
    listed = {entry["path"]: entry for entry in manifest["files"]}
    assert set(listed) == set(files) - {"manifest.json", "manifest.sig"}
    for path, entry in listed.items():
        assert entry["size"] == len(files[path])
        assert entry["sha256"] == hashlib.sha256(files[path]).hexdigest()
    assert listed[f"attachments/{attachment.pk}.pdf"]["name"] == "Fairweather dec page.pdf"


def test_its_pdf_tells_the_story(run: Run, packet: Path) -> None:
    reader = PdfReader(io.BytesIO(files_of(packet)["packet.pdf"]))
    text = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    for words in (
        "Marigold Fairweather", WHY, "Rank 2, $12,385 a year", "Shown on Nov 16, 2026, by e-mail",
        "Option declined: rank 1", "Too dear.", "Higher limits rejected: 500 CSL instead of 250",
        "$12,840 a year", "Comparison started with", "Fairweather dec page.pdf",
        "Larkspur Homeowners Select", "SAMPLE – not for presentation",
    ):  # fmt: skip
        assert words in text, words
    root: Any = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en-US"


def test_documents_hold_timeline_and_decision(run: Run, packet: Path) -> None:
    files = files_of(packet)
    timeline = json.loads(files["timeline.json"])
    assert [each["at"] for each in timeline] == sorted(each["at"] for each in timeline)
    assert {"created", "decision:chosen", "decision:shown"} <= {each["kind"] for each in timeline}
    decision = json.loads(files["decision.json"])
    assert decision["chosen"]["rank"] == 2
    assert [each["kind"] for each in decision["events"]][:2] == ["chosen", "shown"]
    assert decision["proposals"][0]["options"]["A"]["rank"] == 2


def test_made_twice_it_is_the_same_bytes(run: Run, packet: Path) -> None:
    again = io.BytesIO()
    with time_machine.travel("2026-11-20 09:00:00+00:00"):
        packets.make_packet(run=run, out=again)
    assert again.getvalue() == packet.read_bytes()


def test_making_it_is_in_the_runs_history(run: Run, packet: Path, people: dict[str, User]) -> None:
    packets.make_packet(run=run, out=io.BytesIO(), actor=people["manager"])
    first, second = run.events.filter(kind="packet_made")
    digest = hashlib.sha256(files_of(packet)["manifest.json"]).hexdigest()
    assert first.data["manifest_sha256"] == second.data["manifest_sha256"] == digest
    assert (first.actor, second.actor) == (None, people["manager"])


def test_intact(packet: Path) -> None:
    code, said = verify(packet)
    assert (code, said.startswith("Intact")) == (0, True)


def changed(files: Files) -> Files:
    return {**files, "reply.json": files["reply.json"].replace(b"12385", b"11385")}


def missing(files: Files) -> Files:
    return {name: content for name, content in files.items() if not name.startswith("proposals")}


def extra(files: Files) -> Files:
    return {**files, "../../etc/cron.d/x": b"* * * * *", "notes.txt": b"added"}


def rewritten(files: Files) -> Files:
    """A file changed, and the manifest made to fit."""
    manifest = json.loads(files["manifest.json"])
    content = b"{}"
    for entry in manifest["files"]:
        if entry["path"] == "decision.json":
            entry |= {"size": 2, "sha256": hashlib.sha256(content).hexdigest()}
    return {**files, "decision.json": content, "manifest.json": json.dumps(manifest).encode()}


def resigned(files: Files) -> Files:
    """The same by somebody who holds the app's key, but not its history."""
    files = rewritten(files)
    digest = hashlib.sha256(files["manifest.json"]).hexdigest()
    return {**files, "manifest.sig": packets.sign(digest).encode()}


def unsigned(files: Files) -> Files:
    return {name: content for name, content in files.items() if name != "manifest.sig"}


def forged(files: Files) -> Files:
    digest = hashlib.sha256(files["manifest.json"]).hexdigest()
    return {**files, "manifest.sig": f"{digest}:forged".encode()}


def larger(files: Files) -> Files:
    return {**files, "request.json": b"0" * 50_000_000}


def renamed(files: Files) -> Files:
    return {name.replace("reply.json", "Reply.json"): content for name, content in files.items()}


def detached(files: Files) -> Files:
    return {name: content for name, content in files.items() if not name.startswith("attach")}


def folder(files: Files) -> Files:
    return {**files, "proposals/": b""}


TAMPERED: list[tuple[Callable[[Files], Files], list[str], list[str]]] = [
    (changed, ["reply.json: was changed"], ["request.json"]),
    (missing, ["proposals/proposal-1.pdf: is missing"], ["reply.json"]),
    (extra, ["notes.txt: is not in", "../../etc/cron.d/x: is not in"], ["reply.json"]),
    (rewritten, ["manifest.json: was changed", "not in the run's history"], ["decision.json:"]),
    (resigned, ["not in the run's history"], ["manifest.sig"]),
    (unsigned, ["manifest.sig: is missing"], ["manifest.json"]),
    (forged, ["manifest.sig: is not this app's signature"], ["manifest.json"]),
    (larger, ["request.json: was changed"], ["reply.json"]),
    (renamed, ["reply.json: is missing", "Reply.json: is not in"], ["request.json"]),
    (detached, [".pdf: is missing", "attachments/"], ["reply.json", "proposals/"]),
    (folder, ["proposals/: is not in"], ["reply.json", "request.json"]),
]


@pytest.mark.parametrize(("how", "told", "untold"), TAMPERED)
def test_what_was_tampered_with_is_named(
    packet: Path, how: Callable[[Files], Files], told: list[str], untold: list[str]
) -> None:
    write(packet, how(files_of(packet)))
    code, words = verify(packet)
    assert code == 1
    assert all(each in words for each in told), words
    assert not any(each in words for each in untold), words


def test_damaged_bytes_and_doubled_names_are_named(packet: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(packet, "a") as archive:
        archive.writestr("reply.json", b"{}")
    code, words = verify(packet)
    assert code == 1
    assert "reply.json: is in the file 2 times" in words


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sig"])
def test_a_doubled_manifest_is_named(packet: Path, name: str) -> None:
    """Whichever of the two a program reads, this one is not intact."""
    content = files_of(packet)[name]
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(packet, "a") as archive:
        archive.writestr(name, content)
    code, words = verify(packet)
    assert (code, f"{name}: is in the file 2 times" in words) == (1, True)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9, 0.9999])
def test_a_packet_cut_short_is_unreadable(packet: Path, share: float) -> None:
    whole = packet.read_bytes()
    packet.write_bytes(whole[: int(len(whole) * share)])
    code, words = verify(packet)
    assert (code, "cannot be read as a ZIP" in words) == (2, True)


def test_one_flipped_bit_is_found_wherever_it_is(packet: Path) -> None:
    whole = packet.read_bytes()
    for place in range(40, len(whole) - 1, len(whole) // 60):
        packet.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with zipfile.ZipFile(io.BytesIO(whole)) as archive:
            names = [info for info in archive.infolist() if info.header_offset <= place]
            start = names[-1].header_offset + 30 + len(names[-1].filename) + 20
            if not start <= place < start + names[-1].compress_size - 20:
                continue  # a header: a time or a flag that changes no file
        assert verify(packet)[0] in {1, 2}, place


def test_what_lies_beside_the_files_is_found(packet: Path) -> None:
    whole = packet.read_bytes()
    packet.write_bytes(b"#!/bin/sh\n" + whole)
    assert verify(packet)[0] == 1
    packet.write_bytes(whole)
    with zipfile.ZipFile(packet, "a") as archive:
        archive.comment = b"added"
    assert verify(packet)[0] == 1


def test_a_bomb_is_not_read_to_its_end(packet: Path) -> None:
    """Sizes that lie, in the file's own directory or in the manifest, are told and not followed."""
    files = files_of(packet)
    manifest = json.loads(files["manifest.json"])
    manifest["files"][0]["size"] = 10**12
    write(packet, {**files, "manifest.json": json.dumps(manifest).encode()})
    code, words = verify(packet)
    assert (code, "come to more than" in words) == (2, True)
    write(packet, {**files, "manifest.json": b" " * 300_000_000})
    code, words = verify(packet)
    assert (code, "larger than a packet" in words) == (2, True)


def test_a_packet_of_another_installation(packet: Path, settings: Any) -> None:
    settings.SECRET_KEY = "another key of more than thirty-two letters"
    code, words = verify(packet)
    assert (code, "not this app's signature" in words) == (1, True)


@pytest.mark.parametrize(
    "content", [b"", b"no zip at all", b"PK\x05\x06" + bytes(18), b"PK\x03\x04" + b"x" * 50]
)
def test_what_is_no_packet_is_unreadable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    assert verify(path)[0] == 2
    assert verify(tmp_path / "none.zip")[0] == 2


@pytest.mark.parametrize(
    "manifest",
    [b"[]", b"{", b"\xff", b"{}", b'{"form": "brokerportal E&O packet 1", "files": [1]}',
     b'{"form": "brokerportal E&O packet 1", "files": [{"path": "a", "sha256": "", "size": 1e99}]}',
     b"[" * 100_000, b" " * 9_000_000],
)  # fmt: skip
def test_a_manifest_that_is_none_is_unreadable(packet: Path, manifest: bytes) -> None:
    write(packet, {**files_of(packet), "manifest.json": manifest})
    assert verify(packet)[0] == 2


def test_a_file_that_is_gone_is_told_and_does_not_stop_it(
    run: Run, tmp_path: Path, capsys: Any
) -> None:
    file = run.insured.attachments.get().file
    file.storage.delete(str(file.name))
    out, err = io.StringIO(), io.StringIO()
    path = tmp_path / "p.zip"
    call_command("packet", str(run.pk), "--out", str(path), stdout=out, stderr=err)
    assert "Fairweather dec page.pdf" in err.getvalue()
    assert json.loads(files_of(path)["manifest.json"])["absent"][0]["sha256"]
    assert verify(path)[0] == 0


class TestCommand:
    def test_it_writes_a_file_only_its_owner_reads(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "p.zip"
        call_command("packet", run.nexio_run_id, out=str(path), stdout=io.StringIO())
        assert path.stat().st_mode & 0o777 == 0o600
        assert verify(path)[0] == 0
        assert [each.name for each in tmp_path.glob("*.part")] == []

    def test_it_replaces_nothing_unasked(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "p.zip"
        path.write_bytes(b"kept")
        with pytest.raises(CommandError, match="--force") as refusal:
            call_command("packet", str(run.pk), out=str(path))
        assert refusal.value.returncode == 2
        assert path.read_bytes() == b"kept"

    def test_bad_input(self, run: Run, tmp_path: Path) -> None:
        for given, out in (("nobody", tmp_path / "a.zip"), (str(run.pk), tmp_path / "no" / "a")):
            with pytest.raises(CommandError) as refusal:
                call_command("packet", given, out=str(out))
            assert refusal.value.returncode == 2
        assert not RunEvent.objects.filter(kind="packet_made").exists()

    def test_not_while_it_is_under_way(self, people: dict[str, User], tmp_path: Path) -> None:
        run = made.waiting_run(people["broker"])
        with pytest.raises(CommandError, match="under way") as refusal:
            call_command("packet", str(run.pk), out=str(tmp_path / "a.zip"))
        assert refusal.value.returncode == 1
        assert list(tmp_path.iterdir()) == []
        with pytest.raises(NotPossible):
            packets.make_packet(run=run, out=io.BytesIO())


@pytest.mark.parametrize("end", [made.failed_run, made.rejected_run, made.lost_run])
def test_a_run_without_packages_has_its_packet_too(
    people: dict[str, User], tmp_path: Path, end: Any
) -> None:
    path = tmp_path / "p.zip"
    call_command("packet", str(end(people["broker"]).pk), out=str(path), stdout=io.StringIO())
    assert verify(path)[0] == 0
