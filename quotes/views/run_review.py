"""The Review section of a run's page: comments, requests to revisit, approvals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from quotes.forms.review import AnswerForm, ApprovalForm, CommentForm, RevisitForm
from quotes.models import ReviewKind, ReviewRequest, Run
from quotes.models.run import RunQuerySet
from quotes.services import inbox, run_people
from quotes.services.decisions import NotPossible
from quotes.services.review import approvals, comments, revisits
from quotes.services.review.panel import Asked, panel_of
from quotes.services.worklist import HEAVY
from quotes.views.access import PortalRequest, get_or_absent

DONE = {
    (ReviewKind.REVISIT, "answer"): "Your answer is recorded.",
    (ReviewKind.REVISIT, "withdraw"): "The request was withdrawn.",
    (ReviewKind.APPROVAL, "approve"): "The choice is approved.",
    (ReviewKind.APPROVAL, "refuse"): "Approval was refused.",
    (ReviewKind.APPROVAL, "withdraw"): "Approval is no longer asked for.",
}
ACTS: dict[tuple[str, str], Callable[..., ReviewRequest]] = {
    (ReviewKind.REVISIT, "answer"): revisits.answer_revisit,
    (ReviewKind.REVISIT, "withdraw"): revisits.withdraw_revisit,
    (ReviewKind.APPROVAL, "approve"): approvals.approve,
    (ReviewKind.APPROVAL, "refuse"): approvals.refuse,
    (ReviewKind.APPROVAL, "withdraw"): approvals.withdraw_approval,
}
ASKED_FOR: dict[str, dict[str, str]] = {
    "answer": {"label": "Answer"},
    "approve": {"label": "Words to the broker", "hint": "A refusal needs its reason."},
    "refuse": {"label": "Words to the broker", "hint": "A refusal needs its reason."},
}
"""What the words with an act are called; those with a withdrawal have no name of their own."""
Typed = dict[str, forms.Form]


def review_context(
    request: PortalRequest,
    run: Run,
    typed: Typed | None = None,
    refused: str = "",
    *,
    works: bool | None = None,
) -> dict[str, Any]:
    """What the section shows. `typed` are forms that came back, by "comment" or a request's id;
    `works` says whether the reader works on the run, where that is known."""
    panel = panel_of(run, request.user, works=works)
    typed = typed or {}
    unread = getattr(run, "has_unread", None)  # as its page reads it
    return {
        "panel": panel,
        "open_requests": [_with_form(each, typed) for each in panel.open],
        "review_forms": {
            "comment": typed.get("comment") or CommentForm(),
            "revisit": typed.get("revisit") or (panel.may_ask_revisit and RevisitForm()),
            "approval": typed.get("approval") or (panel.may_ask_approval and ApprovalForm()),
        },
        "review_typed": typed,
        "review_errors": next((form for form in typed.values() if form.errors), None),
        "review_refused": refused,
        "notices_unread": inbox.any_unread(request.user, run) if unread is None else unread,
    }


@require_POST
def run_comment(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Whoever sees a run may comment on it."""
    run = get_or_absent(_seen(request), pk)
    return _said(
        request,
        run,
        name="comment",
        form=CommentForm(request.POST),
        act=lambda text: comments.write_comment(run=run, author=request.user, text=text),
        done="Your comment is recorded.",
    )


@require_POST
def run_revisit(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Ask the run's broker to look again: managers of the office, and admins."""
    run = get_or_absent(_seen(request), pk)
    if not run_people.oversees(request.user, run):
        raise Http404("No such page.")
    return _said(
        request,
        run,
        name="revisit",
        form=RevisitForm(request.POST),
        act=lambda text: revisits.ask_to_revisit(run=run, actor=request.user, text=text),
        done="The broker is asked to revisit this run.",
    )


@require_POST
def run_approval(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Ask for approval of the present choice: who works on the run."""
    run = get_or_absent(_seen(request), pk)
    if not run_people.works_on(request.user, run):
        raise Http404("No such page.")
    return _said(
        request,
        run,
        name="approval",
        form=ApprovalForm(request.POST),
        act=lambda text: approvals.ask_approval(run=run, actor=request.user, text=text),
        done="Approval is asked for.",
    )


@require_POST
def review_settle(request: PortalRequest, pk: UUID, act: str) -> HttpResponse:
    """Answer, approve, refuse or withdraw a request; whoever may not is refused in words."""
    rows = ReviewRequest.objects.visible_to(request.user).select_related("choice", "asked_by")
    asked = get_or_absent(rows, pk)
    settle = ACTS.get((asked.kind, act))
    if settle is None:
        raise Http404("No such page.")
    run = get_or_absent(_seen(request), asked.run_id)
    return _said(
        request,
        run,
        name=str(asked.pk),
        form=AnswerForm(request.POST, pk=asked.pk, **ASKED_FOR.get(act, {})),
        act=lambda text: settle(request=asked, actor=request.user, text=text),
        done=DONE[(ReviewKind(asked.kind), act)],
    )


@require_POST
def run_notices_read(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Mark the reader's notices of a run read, which its page asks for once it is open."""
    run = get_or_absent(_seen(request), pk)
    inbox.mark_read(request.user, now=timezone.now(), run=run)
    if request.htmx:
        return render(request, "quotes/partials/inbox_count.html", {"oob": True})
    return redirect("quotes:inbox")


def _with_form(asked: Asked, typed: Typed) -> dict[str, Any]:
    act = "answer" if asked.may_answer else "approve" if asked.may_approve else ""
    form = typed.get(str(asked.request.pk)) or AnswerForm(
        pk=asked.request.pk, **ASKED_FOR.get(act, {})
    )
    return {"asked": asked, "form": form}


def _said(
    request: PortalRequest,
    run: Run,
    *,
    name: str,
    form: forms.Form,
    act: Callable[[str], object],
    done: str,
) -> HttpResponse:
    """Do what was said, and lead back to the section; what was refused stays as typed."""
    if not form.is_valid():
        return _page(request, run, {name: form}, status=422)
    try:
        act(form.cleaned_data["text"])
    except NotPossible as reason:
        again = get_or_absent(_seen(request), run.pk)
        return _page(request, again, {name: form}, refused=str(reason), status=409)
    messages.success(request, done, extra_tags="review")
    return redirect(f"{reverse('quotes:run_detail', args=[run.pk])}#review")


def _page(
    request: PortalRequest, run: Run, typed: Typed, *, refused: str = "", status: int
) -> HttpResponse:
    context = {"run": run, **review_context(request, run, typed, refused)}
    return render(request, "quotes/run_review.html", context, status=status)


def _seen(request: PortalRequest) -> RunQuerySet:
    return (
        Run.objects.visible_to(request.user)
        .select_related("insured__owner")
        .defer(*HEAVY, "insured__document", "insured__body_document")
    )
