"""Runs and all that came of them: history, to be read and never written here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from quotes.admin.site import ReadOnlyAdmin, ReadOnlyInline, as_json, site
from quotes.models import NexioService, Run, RunEvent, Solution, SolutionLine

BIG = (
    "request", "request_body", "response", "response_body", "offering_lines", "error_details",
    "insured__document", "insured__body_document",
)  # fmt: skip
BIG_OF_A_RUN = tuple(f"run__{name}" for name in BIG)


class EventInline(ReadOnlyInline):
    model = RunEvent
    fields = ("at", "kind", "text", "actor")
    select = ("actor",)
    unread = ("data",)


class SolutionInline(ReadOnlyInline):
    model = Solution
    fields = (
        "rank", "cluster_label", "overall_level", "provider_count", "est_cost_low",
        "est_cost_high",
    )  # fmt: skip
    unread = ("scorecard",)
    show_change_link = True


@admin.register(Run, site=site)
class RunAdmin(ReadOnlyAdmin):
    list_display = (
        "insured", "number", "state", "nexio_status", "owner", "created_at", "finished_at",
        "nexio_run_id",
    )  # fmt: skip
    list_filter = ("state", "sandbox", "created_at")
    list_select_related = ("insured__owner",)
    date_hierarchy = "created_at"
    search_fields = ("id__icontains", "nexio_run_id", "started_by__username")
    search_help_text = "Id, Nexio's run id or username; search names on the Runs page"
    inlines = (SolutionInline, EventInline)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "id", "insured", "number", "started_by", "resubmission_of", "state",
                    "coverage_types", "appetite",
                )
            },
        ),
        (
            "At Nexio",
            {
                "fields": (
                    "service_url", "sandbox", "environment", "nexio_run_id", "nexio_status",
                    "stage", "http_status", "diagnostic", "degradation_reason", "error",
                    "error_code", "shown_error_details",
                )
            },
        ),
        (
            "Times",
            {
                "fields": (
                    "created_at", "submitted_at", "completed_at", "finished_at", "due_at",
                    "attempts", "polls", "bad_polls", "unreachable_polls", "last_polled_at",
                    "lease_owner", "lease_until",
                )
            },
        ),
        ("Request, as sent", {"classes": ("collapse",), "fields": ("shown_request",)}),
        ("Reply, as received", {"classes": ("collapse",), "fields": ("shown_response",)}),
    )  # fmt: skip
    readonly_fields = ("shown_request", "shown_response", "shown_error_details")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        rows: QuerySet[Run] = super().get_queryset(request)
        return rows.defer(*BIG)

    @admin.display(description="broker", ordering="insured__owner__username")
    def owner(self, run: Run) -> str:
        return run.insured.owner.username if run.insured.owner else "—"

    @admin.display(description="request")
    def shown_request(self, run: Run) -> str:
        return as_json(run.request)

    @admin.display(description="reply")
    def shown_response(self, run: Run) -> str:
        return as_json(run.response)

    @admin.display(description="error details")
    def shown_error_details(self, run: Run) -> str:
        return as_json(run.error_details)


@admin.register(RunEvent, site=site)
class RunEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "run_number", "kind", "text", "actor")
    list_select_related = ("run__insured", "actor")
    # By key and not by time: the same order, and the table only grows.
    ordering = ("-id",)
    search_fields = ("run__id__icontains", "run__nexio_run_id", "kind")
    search_help_text = "Run's id, Nexio's run id or kind of event"
    fields = ("run", "at", "kind", "text", "actor", "shown_data")
    readonly_fields = ("shown_data",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("data", *BIG_OF_A_RUN)

    @admin.display(description="run")
    def run_number(self, event: RunEvent) -> str:
        return f"{event.run.insured}, run {event.run.number}"

    @admin.display(description="data")
    def shown_data(self, event: RunEvent) -> str:
        return as_json(event.data)


class SolutionLineInline(ReadOnlyInline):
    model = SolutionLine
    fields = (
        "category", "carrier", "provider_name", "product_name", "line_premium_annual",
        "quote_ref", "matched_by",
    )  # fmt: skip
    select = ("carrier",)


@admin.register(Solution, site=site)
class SolutionAdmin(ReadOnlyAdmin):
    list_display = (
        "run_number", "rank", "cluster_label", "overall_level", "provider_count",
        "est_cost_low", "est_cost_high",
    )  # fmt: skip
    list_select_related = ("run__insured",)
    ordering = ("-id",)
    search_fields = ("run__id__icontains", "run__nexio_run_id")
    search_help_text = "Run's id or Nexio's run id"
    inlines = (SolutionLineInline,)
    fields = (
        "run", "position", "rank", "cluster_label", "overall_level", "provider_count",
        "est_cost_low", "est_cost_high", "shown_scorecard",
    )  # fmt: skip
    readonly_fields = ("shown_scorecard",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("scorecard", *BIG_OF_A_RUN)

    @admin.display(description="run")
    def run_number(self, solution: Solution) -> str:
        return f"{solution.run.insured}, run {solution.run.number}"

    @admin.display(description="scorecard")
    def shown_scorecard(self, solution: Solution) -> str:
        return as_json(solution.scorecard)


@admin.register(NexioService, site=site)
class NexioServiceAdmin(ReadOnlyAdmin):
    list_display = (
        "base_url", "environment", "key_refused_at", "polls_held_until", "submits_held_until",
    )  # fmt: skip
    fields = (*list_display, "next_key_check_at")
