"""Who works on an insured: sharing it with a colleague, and moving it to another broker."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from quotes.forms.people import ColleagueForm, MoveForm
from quotes.models import Insured, User
from quotes.services import sharing, transfer
from quotes.views.access import PortalRequest, get_or_absent, may_have


def sharing_context(user: User, insured: Insured) -> dict[str, Any]:
    """What `insured_people.html` draws; `insured` comes with its owner."""
    shares = sharing.shares_of(insured.pk) if may_have(insured, "shares") else []
    may_share = sharing.may_share(user, insured)
    form = None
    if may_share and (listed := sharing.listed_colleagues(insured, user)):
        form = ColleagueForm(listed=listed, auto_id="id_share_%s")
    return {
        "shares": shares,
        "own_share": next((each for each in shares if each.user_id == user.pk), None),
        "may_share": may_share,
        "share_form": form,
        "may_move": transfer.may_move(user, insured),
    }


@require_POST
def insured_share(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Let a colleague work on the insured."""
    insured = _visible(request, pk)
    if not sharing.may_share(request.user, insured):
        raise Http404("No such page.")
    form = ColleagueForm(request.POST, people=sharing.colleagues(insured, request.user))
    if not form.is_valid():
        messages.error(request, f"Nothing was shared. {form.errors['colleague'][0]}")
        return _back(insured)
    colleague = form.cleaned_data["colleague"]
    try:
        sharing.share_insured(insured=insured, colleague=colleague, actor=request.user)
    except sharing.NotShared as error:
        messages.error(request, str(error))
        return _back(insured)
    messages.success(
        request, f"{colleague.shown_name} works on it now as well, and finds it in their worklist."
    )
    return _back(insured)


@require_POST
def insured_unshare(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Take a share back, or drop one's own."""
    insured = _visible(request, pk)
    stated = request.POST.get("colleague", "")
    share = (
        insured.shares.select_related("user").filter(user=int(stated)).first()
        if stated.isdecimal() and len(stated) < 10
        else None
    )
    own = share is not None and share.user_id == request.user.pk
    if not own and not sharing.may_share(request.user, insured):
        raise Http404("No such page.")
    if share is None:
        messages.info(request, "It was no longer shared with them.")
        return _back(insured)
    try:
        sharing.unshare_insured(insured=insured, colleague=share.user, actor=request.user)
    except sharing.NotShared as error:
        messages.error(request, str(error))
        return _back(insured)
    if own:
        messages.success(request, "It is no longer shared with you. What you did on it stays.")
    else:
        messages.success(request, f"It is no longer shared with {share.user.shown_name}.")
    return _back(insured) if _still_seen(request, insured) else redirect("quotes:insured_list")


@require_http_methods(["GET", "HEAD", "POST"])
def insured_move(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Give the insured to another broker, with a reason: for who oversees its broker."""
    insured = _visible(request, pk)
    if not transfer.may_move(request.user, insured):
        raise Http404("No such page.")
    people = transfer.successors(request.user, besides=insured.owner)
    posted = request.method == "POST"
    form = MoveForm(request.POST if posted else None, people=people)
    said = ""
    if posted and form.is_valid():
        successor = form.cleaned_data["to"]
        try:
            moved = transfer.transfer_insureds(
                from_user=insured.owner,
                to_user=successor,
                actor=request.user,
                reason=form.cleaned_data["reason"],
                insureds=[insured.pk],
            )
        except transfer.NotMoved as error:
            said = str(error)
        else:
            messages.success(request, _told(successor, bool(moved.apart)))
            seen = _still_seen(request, insured)
            return _back(insured) if seen else redirect("quotes:insured_list")
    context = {
        "insured": insured,
        "form": form,
        "said": said,
        "anybody": people.exists(),
        "under_way": insured.runs.in_flight().count(),
        "shares": list(insured.shares.select_related("user")),
    }
    return render(request, "quotes/insured_move.html", context, status=422 if posted else 200)


def _told(successor: User, apart: bool) -> str:
    told = f"It is {successor.shown_name}'s now, with its quotes, runs and decisions."
    if apart:
        told += (
            " They have this household as another insured already: both are kept, and later "
            "imports go to the one they had."
        )
    return told


def _visible(request: PortalRequest, pk: UUID) -> Insured:
    return get_or_absent(
        Insured.objects.visible_to(request.user).select_related("owner__office"), pk
    )


def _still_seen(request: PortalRequest, insured: Insured) -> bool:
    return Insured.objects.visible_to(request.user).filter(pk=insured.pk).exists()


def _back(insured: Insured) -> HttpResponse:
    return redirect(f"{reverse('quotes:insured_detail', args=[insured.pk])}#people")
