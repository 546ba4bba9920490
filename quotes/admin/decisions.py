"""Decisions, proposals and attachments: what was chosen, shown and kept, to be read only.

No PDF, picture or file is read here. A proposal's PDF is served by its own page alone, to whoever
sees its run; so is an attachment's file.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from quotes.admin.runs import BIG_OF_A_RUN
from quotes.admin.site import ReadOnlyAdmin, ReadOnlyInline, site
from quotes.models import Attachment, DecisionEvent, Proposal, ProposalOption, Run


def _run_words(run: Run) -> str:
    return f"{run.insured}, run {run.number}"


@admin.register(DecisionEvent, site=site)
class DecisionEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "run_words", "kind", "solution", "on", "how", "actor")
    list_filter = ("kind", "at")
    # By key and not by time: the same order, and the table only grows.
    ordering = ("-id",)
    search_fields = ("run__id__icontains", "run__nexio_run_id", "actor__username")
    search_help_text = "Run's id, Nexio's run id or who recorded it"
    fields = (
        "run", "at", "actor", "kind", "solution", "proposal", "line", "on", "how", "reason",
        "note", "confirmed",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # For the page of one as well, which would fetch the proposal with its PDF.
        rows = super().get_queryset(request)
        rows = rows.select_related("run__insured", "solution", "actor", "proposal")
        return rows.defer("proposal__pdf", "solution__scorecard", *BIG_OF_A_RUN)

    @admin.display(description="run")
    def run_words(self, event: DecisionEvent) -> str:
        return _run_words(event.run)


class OptionInline(ReadOnlyInline):
    model = ProposalOption
    fields = ("letter", "solution")
    readonly_fields = ("letter",)
    select = ("solution",)
    unread = ("solution__scorecard",)


@admin.register(Proposal, site=site)
class ProposalAdmin(ReadOnlyAdmin):
    list_display = ("made_at", "run_words", "number", "made_by", "size", "id")
    list_filter = ("made_at",)
    list_select_related = ("run__insured", "made_by")
    ordering = ("-made_at",)
    search_fields = ("id__icontains", "run__id__icontains", "run__nexio_run_id", "sha256")
    search_help_text = "Id, run's id, Nexio's run id or SHA-256"
    inlines = (OptionInline,)
    fields = (
        "id", "run", "number", "chosen", "notes", "replaced", "size", "sha256", "made_by",
        "made_at", "page",
    )  # fmt: skip
    readonly_fields = ("page",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("pdf", *BIG_OF_A_RUN)

    @admin.display(description="run")
    def run_words(self, proposal: Proposal) -> str:
        return _run_words(proposal.run)

    @admin.display(description="pages and PDF")
    def page(self, proposal: Proposal) -> SafeString:
        address = reverse("quotes:proposal_detail", args=[proposal.pk])
        return format_html('<a href="{}">{}</a>', address, "The proposal's own page")


@admin.register(Attachment, site=site)
class AttachmentAdmin(ReadOnlyAdmin):
    """Searched by ids only, as insureds are: a file's name may hold a person's."""

    list_display = ("name", "insured", "content_type", "size", "added_by", "added_at")
    list_filter = ("content_type", "added_at")
    list_select_related = ("insured", "added_by")
    ordering = ("-added_at",)
    search_fields = ("id__icontains", "insured__id__icontains", "sha256")
    search_help_text = "Id, insured's id or SHA-256"
    fields = (
        "id", "insured", "quote", "name", "content_type", "size", "sha256", "added_by",
        "added_at", "there",
    )  # fmt: skip
    readonly_fields = ("there",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows.defer("insured__document", "insured__body_document")

    @admin.display(description="file kept", boolean=True)
    def there(self, attachment: Attachment) -> bool:
        """Whether the file lies in the attachments' folder still."""
        return attachment.file.storage.exists(str(attachment.file.name))
