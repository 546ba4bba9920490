"""The access log's page and file, the legal hold, and the access review."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from quotes.models import AuditEvent, Insured, InsuredShare, LegalHold, Office, Tombstone, User
from quotes.services.audit import record
from quotes.services.audit_list import PAGE_SIZE
from tests.factories import import_example, make_user

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 2, 15, tzinfo=UTC)


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page_of(insured: Insured, name: str = "insured_audit", **query: Any) -> str:
    return reverse(f"quotes:{name}", args=[insured.pk], query=query)


@pytest.fixture
def insured(people: dict[str, User]) -> Insured:
    return import_example("home_only.json", people["broker"]).insured


def written(insured: Insured, actor: User | None, count: int = 1, **how: Any) -> None:
    for number in range(count):
        entry = {"deed": "viewed", "what": f"Look {number}", "at": START, **how}
        record(actor=actor, insured_ref=insured.pk, **entry)


def whats(response: Any) -> list[str]:
    return [line.event.what for line in response.context["page"].lines]


def rows_of(response: Any) -> list[dict[str, str]]:
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_pages_go_to_and_fro_whatever_comes_in(insured: Insured, people: dict[str, User]) -> None:
    client, count = browser(people["manager"]), 2 * PAGE_SIZE + 7
    written(insured, people["broker"], count)
    first = client.get(page_of(insured))
    assert whats(first)[0] == f"Look {count - 1}"
    assert first.context["page"].newer is None
    second = client.get(page_of(insured, before=first.context["page"].older))
    assert whats(second) == [f"Look {n}" for n in range(count - PAGE_SIZE - 1, 6, -1)]
    last = client.get(page_of(insured, before=second.context["page"].older))
    assert whats(last) == [f"Look {n}" for n in range(6, -1, -1)]
    assert last.context["page"].older is None
    back = client.get(page_of(insured, after=last.context["page"].newer))
    assert whats(back) == whats(second)


def test_narrowed_by_person_deed_and_days(insured: Insured, people: dict[str, User]) -> None:
    written(insured, people["broker"], deed="changed", what="A")
    written(insured, people["other"], what="B", at=START + timedelta(days=3))
    written(insured, None, deed="exported", what="C", data={"account": "clerk"})
    client = browser(people["manager"])
    for query, found in (
        ({"person": people["broker"].pk}, ["A"]),
        ({"person": "0"}, ["C"]),
        ({"deed": "exported"}, ["C"]),
        ({"since": "2026-11-05", "until": "2026-11-05"}, ["B"]),
        ({"until": "2026-11-02"}, ["C", "A"]),
        ({"person": "9999", "deed": "slept", "since": "soon"}, None),
    ):
        seen = [each for each in whats(client.get(page_of(insured, **query))) if len(each) == 1]
        assert seen == (["C", "B", "A"] if found is None else found)
    page = client.get(page_of(insured)).content.decode()
    assert "clerk (command line)" in page


@pytest.mark.parametrize("bad", ["x", "-1", "9" * 30, "٣", ""])
def test_a_mark_of_nonsense_is_the_first_page(
    insured: Insured, people: dict[str, User], bad: str
) -> None:
    written(insured, people["broker"], 3)
    for way in ("before", "after"):
        found = browser(people["manager"]).get(page_of(insured, **{way: bad}))
        assert "Look 2" in whats(found)


def test_the_file_has_what_was_asked_for_and_no_formula(
    insured: Insured, people: dict[str, User]
) -> None:
    people["broker"].first_name = "=cmd()"
    people["broker"].save()
    written(insured, people["broker"], 620, what="=1+1")
    written(insured, people["other"], what="Not asked for")
    client = browser(people["manager"])
    response = client.get(page_of(insured, "insured_audit_csv", person=people["broker"].pk))
    rows = rows_of(response)
    assert len(rows) == 620
    assert {row["What"] for row in rows} == {"'=1+1"}
    assert all(row["Person"].startswith("'=cmd()") for row in rows)
    said = AuditEvent.objects.get(deed="exported")
    assert said.insured_ref == insured.pk
    assert said.data["narrowed"] == f"person={people['broker'].pk}"


def test_another_offices_manager_reads_nothing(insured: Insured, people: dict[str, User]) -> None:
    away = make_user("away", "manager", office=Office.objects.create(name="Away"))
    for name in ("insured_audit", "insured_audit_csv"):
        assert browser(away).get(page_of(insured, name)).status_code == 404
        assert browser(people["broker"]).get(page_of(insured, name)).status_code == 404


def test_of_a_purged_insured_admins_still_read_it(people: dict[str, User]) -> None:
    gone = Insured(applicant_name="Nobody now")
    written(gone, people["broker"], what="Looked while it was there")
    Tombstone.objects.create(
        insured_ref=gone.pk, purged_at=START, purged_by="clerk", rule="7 years",
        last_touched_at=START,
    )  # fmt: skip
    page = browser(people["admin"]).get(page_of(gone))
    assert "Looked while it was there" in page.content.decode()
    assert "clerk" in page.content.decode()
    assert browser(people["manager"]).get(page_of(gone)).status_code == 404


class TestHold:
    def test_placed_seen_and_lifted(self, insured: Insured, people: dict[str, User]) -> None:
        hold, page = page_of(insured, "insured_hold"), page_of(insured, "insured_detail")
        manager, broker = browser(people["manager"]), browser(people["broker"])
        assert "legal hold" not in broker.get(page).content.decode().lower()
        said = {"reason": "A claim is open", "place": "1"}
        assert manager.post(hold, said).status_code == 302
        assert "A claim is open" in manager.get(page).content.decode()
        to_broker = broker.get(page).content.decode()
        assert "On legal hold" in to_broker
        assert "A claim is open" not in to_broker
        again = manager.post(hold, said, follow=True)
        assert "on legal hold already" in again.content.decode()
        browser(people["admin"]).post(hold, {"reason": "Settled", "lift": "1"})
        found = LegalHold.objects.get()
        assert (found.lifted_by, found.lift_reason) == (people["admin"], "Settled")
        deeds = AuditEvent.objects.filter(deed="administered").values_list("what", flat=True)
        assert set(deeds) == {"Placed a legal hold", "Lifted a legal hold"}

    def test_without_a_reason_nothing_happens(
        self, insured: Insured, people: dict[str, User]
    ) -> None:
        reply = browser(people["manager"]).post(
            page_of(insured, "insured_hold"), {"reason": " ", "place": "1"}
        )
        assert reply.status_code == 422
        assert "Write the reason" in reply.content.decode()
        back = f'href="{page_of(insured, "insured_detail")}#h-hold">Cancel</a>'
        assert back in reply.content.decode()
        assert not LegalHold.objects.exists()


class TestAccessReview:
    def test_everybody_and_what_they_see(self, insured: Insured, people: dict[str, User]) -> None:
        InsuredShare.objects.create(
            insured=insured, user=people["other"], shared_by=people["broker"]
        )
        make_user("=left", "broker", is_active=False)
        reply = browser(people["admin"]).get(reverse("quotes:access_review"))
        rows = {row["Username"]: row for row in rows_of(reply)}
        assert set(rows) == {"broker", "broker2", "manager", "admin", "'=left"}
        assert rows["broker"]["Own insureds"] == rows["broker2"]["Shared with them"] == "1"
        assert rows["broker2"]["Insureds seen in all"] == "1"
        assert rows["manager"]["Sees"] == "offices: Main office (1)"
        assert rows["admin"]["Sees"] == "every office's insureds"
        assert rows["'=left"]["Active"] == "no"
        assert rows["'=left"]["Insureds seen in all"] == "0"
        assert rows["broker"]["Last sign-in"] == "never"
        assert insured.applicant_name not in str(rows)
        assert AuditEvent.objects.filter(deed="exported", actor=people["admin"]).count() == 1

    def test_by_command(self, people: dict[str, User], tmp_path: Path) -> None:
        out = tmp_path / "review.csv"
        call_command("access_review", out=str(out))
        assert out.read_text("utf-8-sig").count("\n") == 5
        assert out.stat().st_mode & 0o777 == 0o600
        with pytest.raises(CommandError, match="--force"):
            call_command("access_review", out=str(out))


def test_days_the_wrong_way_round_are_told(insured: Insured, people: dict[str, User]) -> None:
    written(insured, people["broker"])
    client = browser(people["manager"])
    response = client.get(page_of(insured, since="2026-11-02", until="2026-11-01"))
    assert "The last day is before the first one." in response.content.decode()
    assert "Look 0" in whats(response)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"filters": "State: Failed", "searched": True}, "filters State: Failed, and a search"),
        ({"filters": "none", "searched": False}, "filters none"),
        ({"position": 1}, "place 2 in the reply"),
        ({"active": [True, False], "reason": "", "moved": 0}, "active yes → no, moved 0"),
    ],
)
def test_details_are_words(
    insured: Insured, people: dict[str, User], data: dict[str, Any], words: str
) -> None:
    written(insured, people["broker"], data=data)
    page = browser(people["manager"]).get(page_of(insured))
    assert words in [line.details for line in page.context["page"].lines]
    assert words in page.content.decode()
