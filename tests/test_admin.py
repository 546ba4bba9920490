"""Django admin: people and carriers to keep in order, history only to read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from quotes.admin import site
from quotes.models import (
    AuditEvent,
    Carrier,
    CarrierAlias,
    DecisionEvent,
    Deed,
    Insured,
    NexioService,
    Proposal,
    ProposalOption,
    ProposalPage,
    Quote,
    Role,
    Run,
    RunEvent,
    Solution,
    SolutionLine,
    User,
)
from quotes.services.roles import ensure_roles
from tests.factories import (
    EXAMPLES,
    import_example,
    import_value,
    make_user,
    queued_run,
    stored_attachment,
)

pytestmark = pytest.mark.django_db

HISTORY = (
    "quote", "run", "runevent", "solution", "nexioservice", "decisionevent", "proposal",
    "attachment",
)  # fmt: skip


@pytest.fixture
def admin(people) -> User:
    """An administrator by role alone, as `ensure_roles` leaves one; no superuser."""
    ensure_roles()
    person = people["admin"]
    person.is_superuser = False
    person.save()
    return User.objects.get(pk=person.pk)


@pytest.fixture
def visitor(admin) -> Client:
    visitor = Client()
    visitor.force_login(admin)
    return visitor


@pytest.fixture
def root(db) -> Client:
    ensure_roles()
    visitor = Client()
    visitor.force_login(make_user("root", Role.ADMIN, is_staff=True, is_superuser=True))
    return visitor


@pytest.fixture
def run(people, settings, tmp_path) -> Run:
    """A run with something in every table that hangs on it."""
    settings.ATTACHMENTS_DIR = tmp_path / "attachments"
    made = queued_run(owner=people["broker"])
    solution = Solution.objects.create(run=made, position=0, rank=1, cluster_label="recommended")
    SolutionLine.objects.create(
        solution=solution,
        position=0,
        category="home",
        provider_name="Example",
        carrier=Carrier.objects.first(),
    )
    NexioService.objects.create(base_url="http://127.0.0.1:1")
    decide(solution, people["broker"])
    return made


def decide(solution: Solution, broker: User) -> None:
    """A proposal of the package, its delivery on record, and a file with its insured."""
    proposal = Proposal.objects.create(
        run=solution.run, number=1, pdf=b"%PDF-1.7 secret", size=15, sha256="0" * 64,
        made_by=broker, made_at=timezone.now(), chosen=solution, notes="Dear <b>household</b>",
    )  # fmt: skip
    ProposalOption.objects.create(proposal=proposal, position=0, solution=solution)
    ProposalPage.objects.create(proposal=proposal, number=1, png=b"picture")
    DecisionEvent.objects.create(
        run=solution.run, solution=solution, proposal=proposal, kind="shown", how="email",
        note="Sent <i>as asked</i>", actor=broker, at=timezone.now(),
    )  # fmt: skip
    stored_attachment(solution.run.insured)


def url(model: str, page: str = "changelist", *args: Any) -> str:
    app = "auth" if model == "group" else "quotes"
    return reverse(f"admin:{app}_{model}_{page}", args=args)


def an(model: str) -> Any:
    return {entry._meta.model_name: entry for entry in site._registry}[model]._default_manager


ALL = sorted(str(entry._meta.model_name) for entry in site._registry)


def test_what_is_there():
    assert ALL == [
        "attachment", "carrier", "decisionevent", "group", "insured", "nexioservice", "office",
        "proposal", "quote", "run", "runevent", "solution", "user",
    ]  # fmt: skip


@pytest.mark.parametrize("model", ALL)
def test_an_administrator_without_superuser_reads_every_list_and_page(model, visitor, run):
    listed = visitor.get(url(model))
    assert listed.status_code == 200
    row = an(model).first()
    page = visitor.get(url(model, "change", row.pk))
    assert page.status_code == 200
    assert visitor.get(url(model, "history", row.pk)).status_code == 200
    assert visitor.get(url(model), {"q": "abc' %_\\"}).status_code == 200


def test_the_index_lists_them(visitor):
    page = visitor.get(reverse("admin:index")).content.decode()
    for words in ("Carriers", "Insureds", "Quotes", "Runs", "Run events", "Users", "Groups"):
        assert words in page
    assert "Sandbox — not Nexio" in page
    for foreign in ("Scheduled tasks", "Email addresses", "Queued tasks"):
        assert foreign not in page


def test_no_zip_code_is_searched_by_address(visitor, run):
    insured = Insured.objects.get(runs=run)
    assert insured.zip_code
    page = visitor.get(url("insured"), {"q": insured.zip_code})
    assert page.context["cl"].result_count == 0
    assert "ZIP or" not in page.content.decode()


class TestHistory:
    """Not even a superuser changes what happened."""

    @pytest.mark.parametrize("model", HISTORY)
    def test_nothing_is_added_changed_or_deleted(self, model, root, run):
        row = an(model).first()
        before = an(model).values().get(pk=row.pk)
        assert root.get(url(model, "add")).status_code == 403
        assert root.post(url(model, "add"), {}).status_code == 403
        assert root.post(url(model, "change", row.pk), {"state": "completed"}).status_code == 403
        assert root.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
        chosen = {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}
        root.post(url(model), chosen)
        assert an(model).values().get(pk=row.pk) == before

    @pytest.mark.parametrize("model", ["insured", "user", "carrier", "group"])
    def test_nothing_else_is_deleted_either(self, model, root, run):
        row = an(model).first()
        assert root.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
        root.post(
            url(model),
            {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"},
        )
        assert an(model).filter(pk=row.pk).exists()

    def test_a_run_shows_its_timeline_packages_and_request(self, visitor, run):
        page = visitor.get(url("run", "change", run.pk)).content.decode()
        assert '<input type="text"' not in page
        assert 'class="document"' in page
        assert "&quot;offerings&quot;" in page
        event = run.events.first()
        assert event is not None
        assert event.text in page
        assert "recommended" in page

    def test_a_proposals_page_reads_no_pdf_and_leads_to_its_own_page(self, visitor, run):
        proposal = Proposal.objects.get()
        with CaptureQueriesContext(connection) as queries:
            page = visitor.get(url("proposal", "change", proposal.pk)).content.decode()
        assert not [q for q in queries.captured_queries if '"pdf"' in q["sql"]]
        assert reverse("quotes:proposal_detail", args=[proposal.pk]) in page
        assert "Dear &lt;b&gt;household" in page
        event = visitor.get(url("decisionevent", "change", DecisionEvent.objects.get().pk))
        assert "Sent &lt;i&gt;as asked" in event.content.decode()

    def test_an_attachment_says_whether_its_file_is_kept(self, visitor, run):
        attachment = run.insured.attachments.get()
        address = url("attachment", "change", attachment.pk)
        assert "icon-yes" in visitor.get(address).content.decode()
        attachment.file.storage.delete(str(attachment.file.name))
        assert "icon-no" in visitor.get(address).content.decode()
        page = visitor.get(url("attachment"), {"q": attachment.name})
        assert page.context["cl"].result_count == 0

    def test_what_a_document_holds_is_escaped(self, visitor, run):
        Run.objects.filter(pk=run.pk).update(request={"input": {"x": "<script>alert(1)</script>"}})
        page = visitor.get(url("run", "change", run.pk)).content.decode()
        assert "<script>alert(1)" not in page
        assert "&lt;script&gt;alert(1)" in page

    def test_a_huge_reply_is_cut_on_the_page(self, visitor, run):
        Run.objects.filter(pk=run.pk).update(response={"x": "y" * 3_000_000})
        page = visitor.get(url("run", "change", run.pk)).content
        assert len(page) < 1_000_000
        assert "more characters" in page.decode()


class TestQueries:
    """Lists cost the same however long they are, and read no document."""

    @pytest.fixture
    def fill(self, people, settings, tmp_path):
        settings.ATTACHMENTS_DIR = tmp_path / "attachments"

        def make(count: int) -> None:
            for _ in range(count):
                n = Insured.objects.count()
                value = json.loads((EXAMPLES / "home_only.json").read_bytes())
                value["applicant"]["name"] = f"Example {n}"
                for quote in value["quotes"]:
                    quote["carrier"] += f" {n}"
                insured = import_value(value, people["broker"]).insured
                made = queued_run(insured=insured, owner=people["broker"])
                decide(Solution.objects.create(run=made, position=0, rank=1), people["broker"])
                NexioService.objects.create(base_url=f"http://127.0.0.1:{n + 1}")
                make_user(f"person{n}", Role.BROKER)

        return make

    def asked(self, visitor: Client, model: str) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            assert visitor.get(url(model)).status_code == 200
        return [query["sql"] for query in queries.captured_queries]

    def test_lists_cost_the_same_for_any_length(self, visitor, fill):
        fill(2)
        self.asked(visitor, "user")  # the first request of a session notes that it is in use
        few = {model: len(self.asked(visitor, model)) for model in ALL}
        fill(10)
        many = {model: len(self.asked(visitor, model)) for model in ALL}
        assert many == few

    def test_lists_read_no_document(self, visitor, fill):
        fill(1)
        for model in set(ALL) - {"group", "user", "carrier", "nexioservice"}:
            for query in self.asked(visitor, model):
                for column in (
                    "request_body", "response_body", '"request"', '"document"', "scorecard",
                    '"pdf"', '"png"',
                ):  # fmt: skip
                    assert column not in query, model


class TestInsureds:
    def give(self, visitor: Client, insured: Insured, owner: User, **more: Any) -> Any:
        """Send the page's form with `owner` chosen, as a browser would."""
        page = visitor.get(url("insured", "change", insured.pk))
        rows: dict[str, Any] = {}
        for inline in page.context["inline_admin_formsets"]:
            form = inline.formset.management_form
            rows |= {form.add_prefix(name): form[name].value() for name in form.fields}
        return visitor.post(
            url("insured", "change", insured.pk), {**rows, "owner": owner.pk, **more}
        )

    def test_the_broker_is_the_one_thing_that_changes(self, visitor, people):
        insured = import_example(owner=people["broker"]).insured
        before: Any = Insured.objects.values().get(pk=insured.pk)
        typed = {
            "applicant_name": "Another",
            "state": "NV",
            "drivers-0-name": "Another",
            "reason": "Theo takes the coast.",
        }
        response = self.give(visitor, insured, people["other"], **typed)
        assert response.status_code == 302
        after: Any = Insured.objects.values().get(pk=insured.pk)
        changed = {name for name in after if after[name] != before[name]}
        assert changed == {"owner_id"}
        assert after["owner_id"] == people["other"].pk
        assert Run.objects.visible_to(people["broker"]).count() == 0
        assert LogEntry.objects.filter(object_id=str(insured.pk)).exists()
        entry = AuditEvent.objects.get(insured_ref=insured.pk, what__startswith="Broker:")
        assert (entry.actor, entry.deed) == (people["admin"], Deed.ADMINISTERED)
        assert entry.what == "Broker: broker → broker2"

    def test_why_is_asked_for(self, visitor, people):
        insured = import_example(owner=people["broker"]).insured
        refused = self.give(visitor, insured, people["other"])
        assert refused.context["adminform"].form.errors["reason"]
        insured.refresh_from_db()
        assert insured.owner == people["broker"]

    def test_only_brokers_who_work_here_are_offered(self, visitor, people):
        insured = import_example(owner=people["broker"]).insured
        gone = make_user("gone", Role.BROKER, is_active=False)
        page = visitor.get(url("insured", "change", insured.pk))
        offered = set(page.context["adminform"].form.fields["owner"].queryset)
        assert offered == {people["broker"], people["other"]}
        refused = self.give(visitor, insured, gone)
        assert refused.status_code == 200
        assert refused.context["adminform"].form.errors["owner"]

    def test_one_who_left_keeps_theirs_until_somebody_else_gets_them(self, visitor, people):
        insured = import_example(owner=people["broker"]).insured
        User.objects.filter(pk=people["broker"].pk).update(is_active=False)
        response = self.give(visitor, insured, people["broker"])
        assert response.status_code == 302
        insured.refresh_from_db()
        assert insured.owner == people["broker"]

    def test_a_broker_who_has_the_household_already(self, visitor, people):
        insured = import_example(owner=people["broker"]).insured
        import_example(owner=people["other"])
        response = self.give(visitor, insured, people["other"])
        assert response.status_code == 200
        assert "has this household already" in response.content.decode()

    def test_names_are_not_searched_by_address(self, visitor, people):
        insured = import_example(owner=people["broker"]).insured
        shown = visitor.get(url("insured"), {"q": str(insured.pk)}).content.decode()
        assert insured.shown_name in shown
        hidden = visitor.get(url("insured"), {"q": insured.applicant_name}).content.decode()
        assert str(insured.pk) not in hidden


class TestCarriers:
    @pytest.fixture
    def carriers(self, people, run) -> tuple[Carrier, Carrier]:
        """Two carriers that are one: the first has quotes, policies and a solution's line."""
        used = SolutionLine.objects.get().carrier
        assert used is not None
        return used, Carrier.objects.named("The One That Stays")

    def merge(self, visitor: Client, *carriers: Carrier, **more: Any) -> Any:
        chosen = [str(carrier.pk) for carrier in carriers]
        return visitor.post(
            url("carrier"), {"action": "merge", "_selected_action": chosen, **more}, follow=True
        )

    def test_merging_asks_which_stays(self, visitor, carriers):
        page = self.merge(visitor, *carriers).content.decode()
        assert "Which carrier stays?" in page
        assert Carrier.objects.filter(pk__in=[carrier.pk for carrier in carriers]).count() == 2

    def test_merging_moves_everything(self, visitor, carriers):
        gone, stays = carriers
        name, quotes = gone.name, set(gone.quotes.values_list("pk", flat=True))
        assert quotes
        written = dict(Quote.objects.values_list("pk", "carrier_name"))
        page = self.merge(visitor, *carriers, into=stays.pk).content.decode()
        assert f"{escape(name)} merged into {stays.name}" in page
        assert not Carrier.objects.filter(pk=gone.pk).exists()
        assert quotes <= set(stays.quotes.values_list("pk", flat=True))
        assert SolutionLine.objects.get().carrier == stays
        assert Carrier.objects.named(name) == stays
        assert dict(Quote.objects.values_list("pk", "carrier_name")) == written

    def test_one_carrier_is_nothing_to_merge(self, visitor, carriers):
        assert "Choose two carriers or more" in self.merge(visitor, carriers[0]).content.decode()

    def test_a_carrier_not_chosen_is_no_target(self, visitor, carriers):
        third = Carrier.objects.named("A Third")
        page = self.merge(visitor, *carriers, into=third.pk).content.decode()
        assert "Which carrier stays?" in page

    def posted(self, name: str, *aliases: str) -> dict[str, Any]:
        rows = {f"aliases-{n}-name": alias for n, alias in enumerate(aliases)}
        return {
            "name": name,
            "aliases-TOTAL_FORMS": len(aliases),
            "aliases-INITIAL_FORMS": 0,
            **rows,
        }

    def test_a_new_carrier_goes_by_its_names(self, visitor):
        response = visitor.post(url("carrier", "add"), self.posted("Fen  Mutual", "FM Group"))
        assert response.status_code == 302
        fen = Carrier.objects.get(name="Fen Mutual")
        assert Carrier.objects.named("fen mutual") == fen
        assert Carrier.objects.named("FM-GROUP") == fen

    def test_a_renamed_name_leads_to_it_short_and_full_and_the_old_one_no_more(self, visitor):
        fen = Carrier.objects.named("Fen Mutual")
        alias = CarrierAlias.objects.create(carrier=fen, name="Marsh Insurance")
        own = fen.aliases.get(name="Fen Mutual")
        rows = {"aliases-TOTAL_FORMS": 2, "aliases-INITIAL_FORMS": 2, "name": "Fen Mutual"}
        for number, (row, name) in enumerate([(own, own.name), (alias, "Bog Insurance Group")]):
            rows |= {f"aliases-{number}-id": row.pk, f"aliases-{number}-carrier": fen.pk}
            rows |= {f"aliases-{number}-name": name}
        response = visitor.post(url("carrier", "change", fen.pk), rows)
        assert response.status_code == 302
        for name in ("Bog", "BOG Insurance", "Bog Insurance Group", "Fen Mutual Ins. Co."):
            assert Carrier.objects.named(name) == fen
        assert Carrier.objects.named("Marsh Insurance") != fen

    def test_a_name_stands_for_one_carrier(self, visitor):
        Carrier.objects.named("Fen Mutual")
        for posted in (
            self.posted("FEN MUTUAL"),
            self.posted("Another", "Fen Mutual"),
            self.posted("Another", "Twice", "TWICE"),
        ):
            response = visitor.post(url("carrier", "add"), posted)
            assert response.status_code == 200
        assert (
            "already stands for"
            in visitor.post(url("carrier", "add"), self.posted("fen mutual")).content.decode()
        )
        assert Carrier.objects.count() == 1
        assert CarrierAlias.objects.count() == 1


class TestRoles:
    def test_permissions_are_put_right_again(self, db):
        from django.contrib.auth.models import Group, Permission

        ensure_roles()
        Group.objects.get(name=Role.BROKER).permissions.set(Permission.objects.all())
        Group.objects.get(name=Role.ADMIN).permissions.clear()
        ensure_roles()
        assert not Group.objects.get(name=Role.BROKER).permissions.exists()
        assert not Group.objects.get(name=Role.MANAGER).permissions.exists()
        granted = set(
            Group.objects.get(name=Role.ADMIN).permissions.values_list("codename", flat=True)
        )
        assert {"view_run", "view_runevent", "change_insured", "add_user"} <= granted
        assert not {name for name in granted if name.endswith(("_run", "_runevent"))} - {
            "view_run",
            "view_runevent",
        }
        assert {name for name in granted if name.startswith("delete_")} == {
            "delete_carrieralias",
            "delete_office",
        }

    def test_by_command(self, db, capsys):
        from django.core.management import call_command

        call_command("ensure_roles")
        assert "in place" in capsys.readouterr().out


def test_signing_out_of_admin_is_signing_out(visitor):
    response = visitor.post(reverse("admin:logout"))
    assert response["Location"] == "/sign-in/"
    assert visitor.get("/").status_code == 302


def test_events_come_latest_first(visitor, run):
    run.note(at=timezone.now(), kind="looked", text="The latest event of all.")
    page = visitor.get(url("runevent")).content.decode()
    first = RunEvent.objects.order_by("id").first()
    assert first is not None
    assert page.index("The latest event of all.") < page.index(first.text)
