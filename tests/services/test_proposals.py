"""Proposals: the PDF is opened, and says what the database says."""

from __future__ import annotations

import hashlib
import io
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from pypdf import PdfReader

from quotes.models import Insured, Proposal, Run, Solution, SolutionLine, User
from quotes.services import decisions
from quotes.services.decisions import NotPossible
from quotes.services.money import dollars, dollars_between
from quotes.services.proposals import deliver_proposal, make_proposal
from tests import runs as made
from tests.decided import JUST_BEFORE, LATER, NOW, choose, packages, said
from tests.factories import make_people, queued_run

pytestmark = pytest.mark.django_db
PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00"
    b"\x90wS\xde\x00\x00\x00\x0cIDATx\x9cc\xf8\xcf\xc0\x00\x00\x03\x01\x01\x00\xc9\xfe\x92\xef"
    b"\x00\x00\x00\x00IEND\xaeB`\x82"
)


@pytest.fixture(autouse=True)
def _day() -> Any:
    with time_machine.travel(NOW):
        yield


def rows_that_stand() -> dict[str, Any]:
    with time_machine.travel(JUST_BEFORE):
        people = make_people()
        return {**people, "run": made.completed_run(people["broker"])}


@pytest.fixture
def broker(rows: dict[str, Any]) -> User:
    return rows["broker"]  # type: ignore[no-any-return]


@pytest.fixture
def run(rows: dict[str, Any]) -> Run:
    return rows["run"]  # type: ignore[no-any-return]


def propose(run: Run, actor: User, notes: str = "", count: int = 3) -> Proposal:
    return make_proposal(run=run, solutions=packages(run)[:count], notes=notes, actor=actor)


def opened(proposal: Proposal) -> PdfReader:
    return PdfReader(io.BytesIO(bytes(proposal.pdf)))


def text_of(proposal: Proposal) -> str:
    """The text of all pages, runs of space made one."""
    return " ".join(" ".join(page.extract_text() for page in opened(proposal).pages).split())


def test_it_says_who_what_and_until_when(run: Run, broker: User, settings: Any) -> None:
    settings.AGENCY_NAME, settings.AGENCY_PHONE = "Cedar & Main Insurance", "555-0100"
    choose(run, broker, rank=2)
    proposal = propose(run, broker, notes="Call me any time.")
    text = text_of(proposal)
    for words in (
        "Cedar & Main Insurance", "555-0100", "Insurance proposal for Marigold Fairweather",
        "Huntington Beach, CA 92648", "Call me any time.", "Option A", "Option B", "Option C",
        "Larkspur Homeowners Select", "good until Nov 30, 2026", "not a binder",
        "subject to underwriting", "Beside $12,840 today", "Page 1 of",
    ):  # fmt: skip
        assert words in text, words
    assert text.index("Our suggestion") < text.index("Alder Residence Premier")
    assert [option.solution.rank for option in proposal.options.all()] == [2, 1, 3]


def test_every_figure_is_the_databases(run: Run, broker: User) -> None:
    text = text_of(propose(run, broker))
    for solution in packages(run):
        assert dollars_between(solution.est_cost_low, solution.est_cost_high) in text
        total = Decimal(0)
        for line in solution.lines.all():
            assert line.line_premium_annual is not None
            assert dollars(line.line_premium_annual) in text
            assert line.shown_carrier in text
            total += line.line_premium_annual
        assert dollars(total) in text


def test_it_is_tagged_for_readers_of_every_kind(run: Run, broker: User) -> None:
    reader = opened(propose(run, broker))
    root: Any = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en-US"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.metadata is not None
    assert reader.metadata.title == "Insurance proposal for Marigold Fairweather"
    kinds = _kinds(root["/StructTreeRoot"])
    assert {"/H1", "/H2", "/Table", "/TH", "/TD", "/L", "/LI", "/P"} <= kinds
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_data()


def _kinds(node: Any) -> set[str]:
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, list):
        return set().union(*(_kinds(each) for each in node)) if node else set()
    if not isinstance(node, dict):
        return set()
    own = {str(node["/S"])} if "/S" in node else set()
    return own | (_kinds(node["/K"]) if "/K" in node else set())


def test_a_sandbox_proposal_says_so_on_every_page(run: Run, broker: User, settings: Any) -> None:
    for page in opened(propose(run, broker)).pages:
        assert "SAMPLE – not for presentation" in page.extract_text()
    settings.NEXIO_IS_SANDBOX = False
    real = made.completed_run(broker, insured=run.insured)
    assert "SAMPLE" not in text_of(propose(real, broker))


TYPED = [
    '#panic("x")', '#read("/etc/passwd")', "*bold* _it_ $x^2$ `raw`", "@ref <label> // comment",
    "]] #{ [ } ) ( {", '#import "@preview/cetz:0.3.0"', "\\ \\u{41} #\\", "= Heading", "- list",
    "<script>alert(1)</script>", '"); #sys.inputs ("', "https://evil.example/", "~ -- --- '",
]  # fmt: skip


@pytest.mark.parametrize("typed", TYPED)
def test_nothing_typed_becomes_code(run: Run, broker: User, typed: str) -> None:
    """As notes, as the insured's name, and as what Nexio returned."""
    Insured.objects.filter(pk=run.insured_id).update(applicant_name=typed[:200])
    SolutionLine.objects.filter(solution__run=run, category="home").update(product_name=typed)
    text = text_of(propose(run, broker, notes=f"before {typed} after"))
    shown = "".join(typed.split())
    assert f"before{shown}after" in "".join(text.split())
    assert f"proposalfor{shown}" in "".join(text.split())


MOST_STATEMENTS = 40

NAMES = [
    ("José Łukasz Ñandú-Żółć", ""),
    ("Ελένη Иванова", ""),
    ("Maple 😀 Household", "😀"),
    ("漢字 Household", "字漢"),
    ("Nul\x00 and bell\x07", ""),
    ("turned \u202egnp.exe", ""),
    ("e\u0301 combined", ""),
]


@pytest.mark.parametrize(("name", "replaced"), NAMES)
def test_any_name_is_set(run: Run, broker: User, name: str, replaced: str) -> None:
    """What no font has stands there as a box, and the broker is told which it was."""
    stored = name.replace("\x00", "")  # which PostgreSQL could not hold
    Insured.objects.filter(pk=run.insured_id).update(applicant_name=stored)
    proposal = propose(run, broker, notes=name.replace("\x00", ""))
    assert proposal.replaced == replaced
    text = text_of(proposal)
    assert ("□" in text) == bool(replaced)
    assert "Option A" in text


def test_extremes_fit(run: Run, broker: User) -> None:
    """A name of 300 letters, no premium, no cost, no lines, ten thousand words of notes."""
    SolutionLine.objects.filter(solution__run=run).update(
        line_premium_annual=None, product_name="W" * 200, provider_name="W" * 200, carrier=None
    )
    Solution.objects.filter(run=run, rank=1).update(est_cost_low=None, est_cost_high=None)
    Solution.objects.filter(run=run, rank=2).update(est_cost_low=Decimal("9999999.99"))
    SolutionLine.objects.filter(solution__run=run, solution__rank=3).delete()
    text = text_of(propose(run, broker, notes="word " * 10_000))
    assert "Premium not stated" in text
    assert "$0 a year" not in text


def test_what_is_gone_or_unconfirmed_is_said(run: Run, broker: User) -> None:
    with time_machine.travel(LATER):
        text = text_of(propose(run, broker))
    assert "price ended Nov 30, 2026" in text
    assert "unconfirmed if split" in text
    assert "was quoted with" in text


def test_a_price_difference_stands_with_its_differences(run: Run, broker: User) -> None:
    text = text_of(propose(run, broker))
    assert "−$" in text
    assert text.count("not like for like:") == 3
    assert "What is covered, side by side" in text
    assert "Today" in text


@pytest.mark.parametrize("count", [2, 3])
def test_no_heading_stands_alone_at_a_pages_foot(run: Run, broker: User, count: int) -> None:
    for page in opened(propose(run, broker, notes="Dear Marigold,\nthank you.", count=count)).pages:
        text = page.extract_text()
        if "What is covered, side by side" in text:
            after = text.split("What is covered, side by side")[1]
            assert "Coverage A" in after


def test_nothing_that_identifies_beyond_name_and_place(run: Run, broker: User) -> None:
    text = text_of(propose(run, broker))
    applicant = run.request["input"]["applicant"]
    for secret in (
        applicant["email"],
        applicant["phone"],
        applicant["date_of_birth"],
        "18 Pretend",
    ):
        assert secret not in text


def test_the_bytes_are_kept_with_their_hash(run: Run, broker: User) -> None:
    proposal = propose(run, broker)
    assert hashlib.sha256(bytes(proposal.pdf)).hexdigest() == proposal.sha256
    assert proposal.size == len(bytes(proposal.pdf))
    pages = [bytes(page.png) for page in proposal.pages.all()]
    assert len(pages) == len(opened(proposal).pages)
    assert all(page.startswith(b"\x89PNG") for page in pages)


def test_it_takes_few_statements_with_two_packages_or_four(
    run: Run, broker: User, django_assert_max_num_queries: Any
) -> None:
    for count in (2, 4):
        with django_assert_max_num_queries(MOST_STATEMENTS):
            propose(run, broker, notes="Dear Marigold 😀\n" * 20, count=count)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_packages(run: Run, broker: User, count: int) -> None:
    with pytest.raises(NotPossible, match="two to four"):
        propose(run, broker, count=count)
    assert not run.proposals.exists()


def test_a_single_package_is_proposed_alone(broker: User) -> None:
    run = made.completed_run(broker, name="home_only.json")
    many = packages(run)
    if len(many) > 1:
        SolutionLine.objects.filter(solution__in=many[1:]).delete()
        Solution.objects.filter(pk__in=[each.pk for each in many[1:]]).delete()
    text = text_of(propose(run, broker, count=1))
    assert "Option A" in text
    assert "Option B" not in text


def test_only_of_a_completed_run_and_its_own_packages(run: Run, broker: User) -> None:
    other = made.completed_run(broker, insured=run.insured)
    with pytest.raises(NotPossible, match="another run"):
        make_proposal(run=run, solutions=packages(other)[:2], notes="", actor=broker)
    waiting = queued_run(insured=run.insured, owner=broker)
    with pytest.raises(NotPossible, match="completed run"):
        make_proposal(run=waiting, solutions=packages(run)[:2], notes="", actor=broker)


def test_delivering_marks_its_packages_as_shown(run: Run, broker: User) -> None:
    choose(run, broker, rank=2)
    proposal = propose(run, broker, count=2)
    deliver_proposal(proposal=proposal, actor=broker, said=said(how="email"))
    run.refresh_from_db()
    assert run.decision == "shown"
    events = proposal.decision_events.all()
    assert [(e.kind, e.solution.rank, e.how) for e in events] == [
        ("shown", 2, "email"), ("shown", 1, "email"),
    ]  # fmt: skip
    with pytest.raises(decisions.ChangedMeanwhile):
        deliver_proposal(proposal=proposal, actor=broker, said=said(), version=0)


@pytest.mark.parametrize(
    ("name", "content", "there"),
    [
        ("logo.png", PNG, True),
        ("logo.svg", b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", True),
        ("logo.png", b"\x89PNG broken", False),
        ("gone.png", None, False),
    ],
)
def test_the_logo_is_set_and_a_broken_one_costs_no_proposal(
    run: Run, broker: User, settings: Any, tmp_path: Any, name: str, content: Any, there: bool
) -> None:
    settings.AGENCY_NAME, settings.AGENCY_LOGO = "Cedar & Main", tmp_path / name
    if content is not None:
        settings.AGENCY_LOGO.write_bytes(content)
    root: Any = opened(propose(run, broker)).trailer["/Root"]
    assert ("/Figure" in _kinds(root["/StructTreeRoot"])) == there
