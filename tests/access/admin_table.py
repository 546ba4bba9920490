"""What the admin answers an administrator to a look and to a POST of an empty form.

An address without a line here fails: none is opened by being forgotten."""

from __future__ import annotations

Answers = tuple[int, int]
"""The status of GET, and of a POST with nothing in it."""

FORM: Answers = (200, 200)
"""A list, a page, or a form, which is shown again."""
READ_ONLY: Answers = (200, 403)
SHUT: Answers = (403, 403)
SHUT_LOOK: Answers = (403, 405)
"""Of a field that is not said."""
LOOK_ONLY: Answers = (200, 405)
ASKS: Answers = (200, 422)
"""A form of ours, which says what is missing."""
LEADS_ON: Answers = (302, 302)
"""To a page of ours; or back, where the world of the tests has no such row."""
NO_ROW: Answers = (302, 403)
"""Nothing is changed here; the world of the tests has no such row."""
ABSENT: Answers = (404, 404)

TABLE: dict[str, Answers] = {
    "admin:app_list": FORM,
    "admin:auth_group_add": SHUT,
    "admin:auth_group_change": READ_ONLY,
    "admin:auth_group_changelist": FORM,
    "admin:auth_group_delete": SHUT,
    "admin:auth_group_history": FORM,
    "admin:autocomplete": SHUT_LOOK,
    "admin:index": FORM,
    "admin:jsi18n": LOOK_ONLY,
    "admin:password_change": LEADS_ON,
    "admin:password_change_done": LOOK_ONLY,
    "admin:quotes_attachment_add": SHUT,
    "admin:quotes_attachment_change": READ_ONLY,
    "admin:quotes_attachment_changelist": FORM,
    "admin:quotes_attachment_delete": SHUT,
    "admin:quotes_attachment_history": FORM,
    "admin:quotes_carrier_add": FORM,
    "admin:quotes_carrier_change": FORM,
    "admin:quotes_carrier_changelist": FORM,
    "admin:quotes_carrier_delete": SHUT,
    "admin:quotes_carrier_history": FORM,
    "admin:quotes_decisionevent_add": SHUT,
    "admin:quotes_decisionevent_change": NO_ROW,
    "admin:quotes_decisionevent_changelist": FORM,
    "admin:quotes_decisionevent_delete": SHUT,
    "admin:quotes_decisionevent_history": LEADS_ON,
    "admin:quotes_insured_add": SHUT,
    "admin:quotes_insured_change": FORM,
    "admin:quotes_insured_changelist": FORM,
    "admin:quotes_insured_delete": SHUT,
    "admin:quotes_insured_history": FORM,
    "admin:quotes_nexioservice_add": SHUT,
    "admin:quotes_nexioservice_change": NO_ROW,
    "admin:quotes_nexioservice_changelist": FORM,
    "admin:quotes_nexioservice_delete": SHUT,
    "admin:quotes_nexioservice_history": LEADS_ON,
    "admin:quotes_office_add": FORM,
    "admin:quotes_office_change": FORM,
    "admin:quotes_office_changelist": FORM,
    "admin:quotes_office_delete": SHUT,
    "admin:quotes_office_history": FORM,
    "admin:quotes_proposal_add": SHUT,
    "admin:quotes_proposal_change": READ_ONLY,
    "admin:quotes_proposal_changelist": FORM,
    "admin:quotes_proposal_delete": SHUT,
    "admin:quotes_proposal_history": FORM,
    "admin:quotes_quote_add": SHUT,
    "admin:quotes_quote_change": READ_ONLY,
    "admin:quotes_quote_changelist": FORM,
    "admin:quotes_quote_delete": SHUT,
    "admin:quotes_quote_history": FORM,
    "admin:quotes_run_add": SHUT,
    "admin:quotes_run_change": READ_ONLY,
    "admin:quotes_run_changelist": FORM,
    "admin:quotes_run_delete": SHUT,
    "admin:quotes_run_history": FORM,
    "admin:quotes_runevent_add": SHUT,
    "admin:quotes_runevent_change": READ_ONLY,
    "admin:quotes_runevent_changelist": FORM,
    "admin:quotes_runevent_delete": SHUT,
    "admin:quotes_runevent_history": FORM,
    "admin:quotes_solution_add": SHUT,
    "admin:quotes_solution_change": READ_ONLY,
    "admin:quotes_solution_changelist": FORM,
    "admin:quotes_solution_delete": SHUT,
    "admin:quotes_solution_history": FORM,
    "admin:quotes_user_activate": LEADS_ON,
    "admin:quotes_user_add": FORM,
    "admin:quotes_user_change": FORM,
    "admin:quotes_user_changelist": FORM,
    "admin:quotes_user_delete": SHUT,
    "admin:quotes_user_hand_over": ASKS,
    "admin:quotes_user_history": FORM,
    "admin:quotes_user_leave": ASKS,
    "admin:quotes_user_link": FORM,
    "admin:view_on_site": ABSENT,
}
