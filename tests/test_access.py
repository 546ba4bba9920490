"""Who may do what: every address, asked by everybody, by every method.

The table is the rule. An address without a line in it fails, so that nothing is opened by
being forgotten. Who asks and what the words mean stands in `tests/access/rules.py`, whose rows
they ask for in `tests/access/world.py`; Django admin's addresses follow one rule of their own.
"""

from __future__ import annotations

import pytest
from django.db import transaction

from tests.access.rules import (
    ABSENT,
    BARRED,
    BROKERS_PAGE,
    BROKERS_POST,
    CELLS,
    CELLS_PAGE,
    CHANGE,
    CHANGE_PAGE,
    EVERYBODY,
    MOVED,
    NO_METHOD,
    NOBODY,
    NOT_SO,
    NOT_SO_OPEN,
    OPEN,
    OTHER_METHODS,
    OVERSEEN,
    READ,
    SET_UP,
    SHOWN,
    SIGN_OUT,
    SIGN_OUT_POST,
    SIGNED_IN,
    TAKEN,
    Rule,
    answered,
    body_of,
    open_to_all,
    rule,
)
from tests.access.world import OURS, World, address, browser_of, enrolled_world, stored

pytestmark = pytest.mark.django_db
world = enrolled_world
HTMX = {"HX-Request": "true"}
SHARES = rule(ABSENT, broker=TAKEN, colleague=ABSENT, manager=TAKEN, admin=TAKEN)
GONE = open_to_all(frozenset({410}))

RULES: dict[str, tuple[Rule, Rule]] = {
    # address: (GET, POST)
    "quotes:worklist": (rule(SHOWN), NOT_SO_OPEN),
    "quotes:insured_list": (rule(SHOWN), NOT_SO),
    "quotes:insured_search": (NOT_SO, rule(MOVED)),
    "quotes:insured_create": (BROKERS_PAGE, BROKERS_POST),
    # It answers inside a form: whoever was signed out is told so there, and keeps what was typed.
    "quotes:insured_form_row": (NOT_SO_OPEN, {**BROKERS_POST, **dict.fromkeys(NOBODY, SHOWN)}),
    "quotes:insured_detail": (READ, NOT_SO),
    # The access log and the hold are for managers of the office and admins.
    "quotes:insured_audit": (OVERSEEN, NOT_SO),
    "quotes:insured_audit_csv": (OVERSEEN, NOT_SO),
    "quotes:access_log": (rule(BARRED, admin=SHOWN), NOT_SO),
    "quotes:access_log_csv": (rule(BARRED, admin=SHOWN), NOT_SO),
    "quotes:access_review": (rule(BARRED, admin=SHOWN), NOT_SO),
    "quotes:insured_hold": (NOT_SO, rule(ABSENT, manager=TAKEN, admin=TAKEN)),
    # Its broker shares it, and who oversees them; a colleague passes nothing on.
    "quotes:insured_share": (NOT_SO, SHARES),
    "quotes:insured_unshare": (NOT_SO, SHARES),
    "quotes:insured_move": (OVERSEEN, rule(ABSENT, manager=TAKEN, admin=TAKEN)),
    "quotes:insured_edit": (CHANGE_PAGE, CHANGE),
    "quotes:grid": (CELLS_PAGE, CELLS),
    "quotes:grid_paste": (NOT_SO_OPEN, CELLS),
    "quotes:insured_grid_save": (NOT_SO, CHANGE),
    "quotes:quote_create": (CHANGE_PAGE, CHANGE),
    "quotes:run_start": (NOT_SO, CHANGE),
    "quotes:readiness": (rule(MOVED), NOT_SO_OPEN),
    "quotes:quote_detail": (READ, NOT_SO),
    # Which field is not said here, hence 404 for those who are let in.
    "quotes:read_detail": (
        NOT_SO_OPEN,
        {**rule(BARRED, broker=ABSENT, other=ABSENT), **dict.fromkeys(NOBODY, SHOWN)},
    ),
    "quotes:quote_edit": (CHANGE_PAGE, CHANGE),
    "quotes:quote_delete": (CHANGE_PAGE, CHANGE),
    "quotes:quote_copy": (CHANGE_PAGE, CHANGE),
    "quotes:insured_renew": (CHANGE_PAGE, CHANGE),
    "quotes:attachment_add": (NOT_SO, CHANGE),
    "quotes:attachment_download": (READ, NOT_SO),
    "quotes:attachment_delete": (CHANGE_PAGE, CHANGE),
    "quotes:import_new": (BROKERS_PAGE, BROKERS_POST),
    "quotes:import_template": (BROKERS_PAGE, NOT_SO),
    # A draft is nobody's but the broker's who dropped it.
    "quotes:import_preview": (
        rule(BARRED, broker=SHOWN, colleague=ABSENT, other=ABSENT),
        rule(BARRED, broker=TAKEN, colleague=ABSENT, other=ABSENT),
    ),
    "quotes:run_list": (rule(SHOWN), NOT_SO),
    "quotes:run_search": (NOT_SO, rule(MOVED)),
    "quotes:run_list_csv": (rule(SHOWN), NOT_SO),
    "quotes:run_list_xlsx": (rule(SHOWN), NOT_SO),
    # A saved view is nobody's but whose it is: not whom the insured is shared with, either.
    "quotes:view_save": (NOT_SO, rule(TAKEN)),
    "quotes:view_open": (NOT_SO, rule(ABSENT, broker=TAKEN, colleague=ABSENT)),
    "quotes:view_replace": (NOT_SO, rule(ABSENT, broker=TAKEN, colleague=ABSENT)),
    "quotes:view_delete": (NOT_SO, rule(ABSENT, broker=TAKEN, colleague=ABSENT)),
    "quotes:run_detail": (READ, NOT_SO),
    "quotes:run_request": (READ, NOT_SO),
    "quotes:run_reply": (READ, NOT_SO),
    "quotes:run_package": (READ, NOT_SO),
    "quotes:run_against": (READ, NOT_SO),
    "quotes:run_side_by_side": (READ, NOT_SO),
    # Opened as a page it leads to the run's page, which decides.
    "quotes:run_status": (rule(MOVED), NOT_SO_OPEN),
    "quotes:run_abandon": (NOT_SO, CHANGE),
    "quotes:run_resubmit": (NOT_SO, CHANGE),
    "quotes:run_link": (NOT_SO, CHANGE),
    "quotes:run_resume": (NOT_SO, CHANGE),
    "quotes:run_send_again": (NOT_SO, CHANGE),
    "quotes:run_export_csv": (READ, NOT_SO),
    "quotes:run_export_xlsx": (READ, NOT_SO),
    "quotes:run_what_if": (READ, NOT_SO),
    "quotes:run_what_if_rerun": (CHANGE_PAGE, CHANGE),
    "quotes:run_comment": (NOT_SO, rule(ABSENT, broker=TAKEN, manager=TAKEN, admin=TAKEN)),
    "quotes:run_revisit": (NOT_SO, rule(ABSENT, manager=TAKEN, admin=TAKEN)),
    "quotes:run_approval": (NOT_SO, CHANGE),
    # Whoever sees a request is told in words why it is not theirs to answer.
    "quotes:review_settle": (NOT_SO, rule(ABSENT, broker=TAKEN, manager=TAKEN, admin=TAKEN)),
    "quotes:run_notices_read": (NOT_SO, rule(ABSENT, broker=TAKEN, manager=TAKEN, admin=TAKEN)),
    "quotes:inbox": (rule(SHOWN), NOT_SO),
    "quotes:inbox_mail": (NOT_SO, rule(MOVED)),
    "quotes:notices_read": (NOT_SO, rule(MOVED)),
    # A notice is nobody's but the person's who is told.
    "quotes:notice_read": (NOT_SO, rule(ABSENT, broker=MOVED, colleague=ABSENT)),
    "quotes:run_decision": (READ, NOT_SO),
    "quotes:run_choose": (CHANGE_PAGE, CHANGE),
    "quotes:run_record": (NOT_SO, CHANGE),
    "quotes:run_proposal": (CHANGE_PAGE, CHANGE),
    # Whoever sees a run may take its packet along; the history says who did.
    "quotes:run_packet": (NOT_SO, rule(ABSENT, broker=TAKEN, manager=TAKEN, admin=TAKEN)),
    "quotes:proposal_detail": (READ, NOT_SO),
    "quotes:proposal_pdf": (READ, NOT_SO),
    "quotes:proposal_page": (READ, NOT_SO),
    "quotes:proposal_deliver": (NOT_SO, CHANGE),
    "account_login": (
        {**open_to_all(MOVED, bare=MOVED), **dict.fromkeys(NOBODY, SHOWN)},
        {**open_to_all(MOVED, bare=MOVED), **dict.fromkeys(NOBODY, SHOWN)},
    ),
    "account_logout": (SIGN_OUT, SIGN_OUT_POST),
    # Without mail nobody is written to, and a link that does not fit is gone.
    "password_forgot": (open_to_all(ABSENT), open_to_all(ABSENT)),
    "password_link": (GONE, GONE),
    "password_change_own": (rule(SHOWN), rule(frozenset({422}))),
    "admin_login": (rule(BARRED), rule(BARRED)),
    "admin_logout": (SIGN_OUT, SIGN_OUT_POST),
    # The second step of signing in: nobody is on their way in here.
    "mfa_authenticate": (open_to_all(MOVED, bare=MOVED), open_to_all(MOVED, bare=MOVED)),
    # What everybody does to their own second factor; recent sign-in is asked for, hence 302.
    "own_sessions": (rule(SHOWN), NOT_SO),
    "own_sessions_end": (NOT_SO, rule(MOVED)),
    "session_left": (
        open_to_all(SHOWN, bare=SHOWN),
        open_to_all(NO_METHOD, bare=NO_METHOD),
    ),
    "session_stay": (rule(NO_METHOD, bare=NO_METHOD), rule(SHOWN, bare=SHOWN)),
    "sessions_of_person": (
        rule(BARRED, admin=SHOWN),
        rule(BARRED, admin=frozenset({422})),
    ),
    "mfa_index": (rule(SHOWN, bare=SHOWN), rule(NO_METHOD, bare=NO_METHOD)),
    "mfa_activate_totp": (rule(MOVED, bare=MOVED), rule(MOVED, bare=MOVED)),
    "mfa_deactivate_totp": (rule(MOVED), rule(MOVED)),
    "mfa_add_webauthn": (rule(MOVED, bare=MOVED), rule(MOVED, bare=MOVED)),
    "mfa_remove_webauthn": (rule(MOVED), rule(MOVED)),
    "mfa_view_recovery_codes": (rule(SHOWN), rule(MOVED)),
    "mfa_generate_recovery_codes": (rule(MOVED), rule(MOVED)),
    "mfa_download_recovery_codes": (rule(BARRED), NOT_SO),
    # Whoever has a second factor shows that one, and no password; the others have only that.
    "account_reauthenticate": (rule(MOVED, bare=SHOWN), rule(MOVED, bare=frozenset({422}))),
    "mfa_reauthenticate": (rule(SHOWN), rule(frozenset({422}))),
    "mfa_reauthenticate_webauthn": (rule(MOVED), rule(MOVED)),
    "second_factor_reset": (rule(BARRED, admin=SHOWN), rule(BARRED, admin=TAKEN)),
    "healthz": (OPEN, OPEN),
    # Open to monitors; it may say that no worker serves.
    "readyz": (
        open_to_all(frozenset({200, 503}), bare=frozenset({200, 503})),
        open_to_all(NO_METHOD, bare=NO_METHOD),
    ),
    # Managers review what brokers do; how the place runs is the administrators'.
    "quotes:dashboard": (rule(BARRED, manager=SHOWN, elsewhere=SHOWN, admin=SHOWN), NOT_SO),
    "quotes:dashboard_xlsx": (rule(BARRED, manager=SHOWN, elsewhere=SHOWN, admin=SHOWN), NOT_SO),
    "quotes:operations": (rule(BARRED, admin=SHOWN), NOT_SO_OPEN),
    "quotes:operations_key": (NOT_SO, rule(BARRED, admin=MOVED)),
    "quotes:operations_run": (rule(BARRED, admin=SHOWN), NOT_SO),
    "quotes:operations_act": (NOT_SO, rule(BARRED, admin=TAKEN)),
}
FRAGMENTS = {"quotes:run_status": READ, "quotes:readiness": READ}
"""What an address answers to htmx, where that differs."""


def test_every_address_has_a_rule():
    assert set(OURS) == set(RULES)


@pytest.mark.parametrize("name", OURS)
def test_looking(name, world):
    """GET answers as the table says, HEAD the same without a body, other methods never; and none
    of them changes a thing."""
    get, _ = RULES[name]
    before = stored()
    wrong: dict[str, int | str] = {}
    for who in EVERYBODY:
        browser = browser_of(who)
        shown = browser.get(address(name, world))
        if not answered(shown, get[who]):
            wrong[who] = shown.status_code
        head = browser.head(address(name, world))
        if head.status_code not in {shown.status_code, 405} or body_of(head):
            wrong[f"HEAD by {who}"] = head.status_code
        for method in OTHER_METHODS:
            refused = browser.generic(method, address(name, world), b"{}")
            if refused.status_code != 405 or body_of(refused):
                wrong[f"{method} by {who}"] = refused.status_code
    assert not wrong
    assert stored() == before, "looking changes nothing"


@pytest.mark.parametrize("name", OURS)
def test_posting(name, world):
    """POST answers as the table says; whoever is refused changes nothing."""
    _, post = RULES[name]
    before = stored()
    wrong = {}
    for who in EVERYBODY:
        browser = browser_of(who)
        # Taken back, so that everybody finds the same.
        with transaction.atomic():
            response = browser.post(address(name, world))
            if not answered(response, post[who], "POST"):
                wrong[who] = response.status_code
            elif post[who] not in (TAKEN, MOVED) and stored() != before:
                wrong[f"changed by {who}"] = response.status_code
            transaction.set_rollback(True)
    assert not wrong
    htmx_is_no_way_around_the_second_factor(name, world)


def htmx_is_no_way_around_the_second_factor(name: str, world: World) -> None:
    """What htmx asks for would go into a panel, so the whole page is led to the set-up."""
    for method, allowed in zip(("GET", "POST"), RULES[name], strict=True):
        if allowed["bare"] != SET_UP:
            continue
        page = browser_of("bare").generic(method, address(name, world), headers=HTMX)
        assert page.status_code == 403
        assert page["HX-Redirect"].startswith("/account/second-factor/?next="), method
        assert not page.content


@pytest.mark.parametrize("name", [name for name in OURS if name in FRAGMENTS])
def test_fragments_are_no_way_around(name, world):
    for who in SIGNED_IN:
        response = browser_of(who).get(address(name, world), headers={"HX-Request": "true"})
        assert answered(response, FRAGMENTS[name][who]), who
