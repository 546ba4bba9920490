"""Files with an insured or a quote: added, fetched and deleted; listed by `attachments_context`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from quotes.forms.attachments import AttachmentForm
from quotes.models import Attachment, Insured, Quote, User
from quotes.models.prepared import prepared
from quotes.services.attachments import add_attachments, delete_attachment, download_name
from quotes.views.access import PortalRequest, get_or_absent, may_edit, may_have

LOCKED_UP = "default-src 'none'; frame-ancestors 'none'; sandbox"
"""Even a browser that were to show the file must run nothing of it."""

HERE = "attachments"
"""Said beside the list of files, which may be far below the top of the page."""


def attachments_context(user: User, insured: Insured, quote: Quote | None = None) -> dict[str, Any]:
    """What `attachments.html` needs: the files of `insured`, or of its `quote` alone."""
    editable = may_edit(user, insured)
    of = quote.pk if quote else None
    initial = {"quote": of}
    return {
        "attachments": {
            "insured": insured,
            "quote": quote,
            "rows": _attached(user, insured.pk, of) if may_have(insured, "attachments") else [],
            "form": AttachmentForm(initial=initial, auto_id="id_attach_%s") if editable else None,
        }
    }


@prepared
def _attached(user: User, insured: UUID, quote: UUID | None) -> QuerySet[Attachment]:
    rows = Attachment.objects.visible_to(user).filter(insured=insured)
    if quote is not None:
        rows = rows.filter(quote=quote)
    return rows.select_related("added_by", "quote").defer("quote__document")


@require_POST
def attachment_add(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Keep the chosen files, and say of each that was not kept why."""
    insured = get_or_absent(Insured.objects.editable_by(request.user), pk)
    form = AttachmentForm(request.POST, request.FILES)
    valid, quote = form.is_valid(), None
    if stated := form.cleaned_data.get("quote"):
        quote = get_or_absent(insured.quotes.all(), stated)
    if not valid:
        for errors in form.errors.values():
            messages.error(
                request,
                "No file was attached. " + " ".join(str(e) for e in errors),
                extra_tags=HERE,
            )
        return _back(insured, quote)
    added = add_attachments(
        insured=insured, files=form.stated_files(), user=request.user, quote=quote
    )
    if len(added.stored) == 1:
        messages.success(request, f"“{added.stored[0].name}” was attached.", extra_tags=HERE)
    elif added.stored:
        messages.success(request, f"{len(added.stored)} files were attached.", extra_tags=HERE)
    for said in added.known:
        messages.info(request, said, extra_tags=HERE)
    for said in added.refused:
        messages.error(request, said, extra_tags=HERE)
    return _back(insured, quote)


@require_safe
def attachment_download(request: PortalRequest, pk: UUID) -> HttpResponseBase:
    """The file, to be saved: never shown inside our pages, where what is in it might act."""
    attachment = get_or_absent(Attachment.objects.visible_to(request.user), pk)
    try:
        stored = attachment.file.open("rb")
    except FileNotFoundError:
        messages.error(
            request,
            f"“{attachment.name}” is listed, but its file is gone from the disk. Attach it again: "
            "delete it here first.",
        )
        return redirect("quotes:insured_detail", pk=attachment.insured_id)
    response = FileResponse(
        stored,
        as_attachment=True,
        filename=download_name(attachment),
        content_type=attachment.content_type,
    )
    response["Content-Security-Policy"] = LOCKED_UP
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "private, no-store"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def attachment_delete(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Ask first, on a page of its own; then delete."""
    rows = Attachment.objects.editable_by(request.user).select_related("insured", "quote")
    attachment = get_or_absent(rows, pk)
    if request.method != "POST":
        context = {"attachment": attachment, "insured": attachment.insured}
        return render(request, "quotes/attachment_delete.html", context)
    delete_attachment(attachment=attachment)
    messages.success(request, f"“{attachment.name}” was deleted.", extra_tags=HERE)
    return _back(attachment.insured, attachment.quote)


def _back(insured: Insured, quote: Quote | None) -> HttpResponse:
    """To the list the file stands in: the quote's, else the insured's."""
    if quote is not None:
        return redirect(f"{reverse('quotes:quote_detail', args=[quote.pk])}#attachments")
    return redirect(f"{reverse('quotes:insured_detail', args=[insured.pk])}#attachments")
