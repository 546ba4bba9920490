"""What the access log says of each address: a look, a change, a decision, an export, or nothing.

Every address of the app has its rule here, "nothing" with the reason; a test reads the URLconf. One
that was forgotten is logged all the same, under its own name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quotes.models import Deed


@dataclass(frozen=True)
class Rule:
    """What answering means. `look` is what a page that was shown is called in the log; `act` says
    what a POST did that went through, `acts` where that is for the address to say: by its `act`."""

    get: str | None = None
    post: str | None = None
    look: str = ""
    act: str = ""
    acts: Mapping[str, str] = field(default_factory=dict)
    in_place: bool = False
    """Whether a POST that went through is answered with 200 instead of leading to a page."""
    of_nobody: bool = False
    """Whether a look is an entry though it is at no household in particular."""
    why_nothing: str = ""
    """Why no entry is written from here; but a POST that was refused and shows a `look` again is a
    look all the same."""

    def did(self, stated: Mapping[str, Any]) -> str:
        """What a POST did; `stated` is what stands in the address."""
        return self.acts.get(stated.get("act", ""), self.act)


def page(look: str) -> Rule:
    return Rule(get=Deed.VIEWED, look=look)


def form(look: str, act: str, deed: str = Deed.CHANGED) -> Rule:
    """A page with a form on it, which posts to the same address."""
    return Rule(get=Deed.VIEWED, post=deed, look=look, act=act)


def act(did: str, deed: str = Deed.CHANGED, look: str = "The form again") -> Rule:
    """A POST; one that was refused shows the page with the form again."""
    return Rule(post=deed, look=look, act=did)


def export(what: str) -> Rule:
    return Rule(get=Deed.EXPORTED, look=what)


def nothing(why: str, look: str = "") -> Rule:
    return Rule(why_nothing=why, look=look)


INSURED, RUN, DECISION, PROPOSAL = "The insured's page", "The run's page", "Decision", "Proposal"
IN_OPERATIONS, HOLD_FORM = "The run in operations", "The form of a legal hold"
A_LIST = "a line in a list; opening it is logged"
SEARCH = "keeps what was typed; the list it leads to shows lines only"
OWN_VIEW = "the person's own filters"
SAYS_ITSELF = "the service writes who and with whom, in the transaction itself"
BEFORE_IT_LEAVES = "the service writes it before the first run leaves, and then whose runs leave"
OWN = "about the person themselves; what a notice leads to is logged"

RULES: dict[str, Rule] = {
    "worklist": nothing(A_LIST),
    "insured_list": nothing(A_LIST),
    "insured_search": nothing(SEARCH),
    "insured_create": Rule(post=Deed.CHANGED, act="Added the insured"),
    "insured_form_row": nothing("gives back what the form itself sent"),
    "insured_detail": page(INSURED),
    "insured_edit": form("The profile's form", "Changed the profile"),
    "grid": Rule(
        get=Deed.VIEWED, post=Deed.CHANGED, look=INSURED,
        act="Changed quotes in the grid", in_place=True,
    ),
    "grid_paste": Rule(post=Deed.VIEWED, look=INSURED),
    "insured_grid_save": act("Changed quotes in the grid", look=INSURED),
    "quote_create": form("The form of a new quote", "Added a quote"),
    "run_start": act("Started a comparison", look=INSURED),
    "readiness": page(INSURED),
    "insured_renew": form("The renewal's form", "Renewed the insured"),
    "quote_detail": page("A quote"),
    "read_detail": nothing("gives back what the form itself sent"),
    "quote_edit": form("A quote's form", "Changed a quote"),
    "quote_delete": form("A quote, before deleting it", "Deleted a quote"),
    "quote_copy": form("A quote, before copying it", "Copied a quote"),
    "attachment_add": act("Attached files"),
    "attachment_download": export("An attachment"),
    "attachment_delete": form("An attachment, before deleting it", "Deleted an attachment"),
    "import_new": page("The import's form"),
    "import_template": nothing("an example of nobody"),
    "import_preview": form("An import, before confirming it", "Imported or discarded an import"),
    "run_list": nothing(A_LIST),
    "run_search": nothing(SEARCH),
    "run_list_csv": nothing(BEFORE_IT_LEAVES),
    "run_list_xlsx": nothing(BEFORE_IT_LEAVES),
    "dashboard": nothing("figures; the runs behind them are a list"),
    "dashboard_xlsx": export("The dashboard as XLSX"),
    "view_save": nothing(OWN_VIEW),
    "view_open": nothing(OWN_VIEW),
    "view_replace": nothing(OWN_VIEW),
    "view_delete": nothing(OWN_VIEW),
    "run_detail": page(RUN),
    "run_status": page(RUN),
    "run_request": page("The request as sent"),
    "run_reply": page("Nexio's reply"),
    "run_package": page(RUN),
    "run_against": page("Two runs compared"),
    "run_side_by_side": page("Packages side by side"),
    "run_what_if": page("What-if"),
    "run_what_if_rerun": form("What-if, before sending it", "Sent what-if to Nexio"),
    "run_decision": page(DECISION),
    "run_choose": form(DECISION, "Chose a package", Deed.DECIDED),
    "run_record": act("Recorded a step of the decision", Deed.DECIDED, look=DECISION),
    "run_proposal": form("A proposal's form", "Made a proposal"),
    "run_packet": Rule(post=Deed.EXPORTED, look=RUN, act="E&O packet"),
    "proposal_detail": page(PROPOSAL),
    "proposal_page": page(PROPOSAL),
    "proposal_pdf": export("Proposal as PDF"),
    "proposal_deliver": act("Recorded that a proposal was delivered", Deed.DECIDED, look=PROPOSAL),
    "run_export_csv": export("Packages as CSV"),
    "run_export_xlsx": export("Packages as XLSX"),
    "run_abandon": act("Gave a run up", look=RUN),
    "run_resubmit": act("Sent a run again", look=RUN),
    "run_link": act("Linked a run to Nexio's run_id", look=RUN),
    "run_resume": act("Resumed a run", look=RUN),
    "run_send_again": act("Sent a run again", look=RUN),
    "run_comment": act("Commented on a run", look=RUN),
    "run_revisit": act("Asked to revisit a run", look=RUN),
    "run_approval": act("Asked for approval", Deed.DECIDED, look=RUN),
    "review_settle": Rule(
        post=Deed.DECIDED, look=RUN, act="Settled a review request",
        acts={
            "answer": "Answered a request to revisit",
            "approve": "Approved a choice",
            "refuse": "Refused to approve a choice",
            "withdraw": "Withdrew a review request",
        },
    ),
    "run_notices_read": nothing(OWN),
    "inbox": nothing(OWN),
    "inbox_mail": nothing(OWN),
    "notices_read": nothing(OWN),
    "notice_read": nothing(OWN),
    "insured_share": nothing(SAYS_ITSELF),
    "insured_unshare": nothing(SAYS_ITSELF),
    "insured_move": Rule(get=Deed.VIEWED, look="The form to move it to another broker"),
    "insured_audit": page("The access log"),
    "insured_audit_csv": export("The access log as CSV"),
    "access_review": export("The access review as CSV"),
    "access_log": Rule(get=Deed.VIEWED, look="The whole access log", of_nobody=True),
    "access_log_csv": export("The whole access log as CSV"),
    "insured_hold": nothing("written with the hold, in its transaction", HOLD_FORM),
    "operations": nothing(A_LIST),
    "operations_key": nothing("written with the test itself"),
    "operations_run": page(IN_OPERATIONS),
    "operations_act": nothing("written with the act, in its transaction", IN_OPERATIONS),
}  # fmt: skip
