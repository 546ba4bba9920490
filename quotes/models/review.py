"""What managers say of a run: comments, requests to revisit, approvals; and notices of it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from quotes.models.append_only import AppendOnlyModel, AppendOnlyQuerySet
from quotes.models.decision import DecisionEvent
from quotes.models.insured import InsuredShare
from quotes.models.run import Run
from quotes.models.sealed_fields import SealedTextField

if TYPE_CHECKING:
    from quotes.models.user import User


def _run_seen_by(user: User | AnonymousUser) -> Q:
    """Rows with a `run` that the user sees: the rule of `Insured.visible_to`, from a few rows on.

    Asked the other way round, whether the run is among all that the user sees, a manager's
    inbox would list the runs of an office to look up a handful.
    """
    if isinstance(user, AnonymousUser) or not user.is_active:
        return Q(pk__in=[])
    if user.sees_all:
        return Q()
    seen = Q(pk__in=[])
    if user.offices_seen:
        seen |= Q(run__insured__owner__office__in=user.offices_seen)
    if user.is_broker:
        shared = InsuredShare.objects.filter(insured=OuterRef("run__insured"), user=user)
        seen |= Q(run__insured__owner=user) | Q(Exists(shared))
    return seen


class CommentQuerySet(AppendOnlyQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(run__in=Run.objects.visible_to(user))


class Comment(AppendOnlyModel):
    """Something said about a run, by whoever sees it; it stays as it was written."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = SealedTextField()
    at = models.DateTimeField()

    objects = CommentQuerySet.as_manager()

    class Meta:
        ordering = ["at", "id"]
        indexes = [models.Index(name="comment_of_run", fields=["run", "at"])]

    def __str__(self) -> str:
        return f"{self.author}: {self.text[:60]}"


class ReviewKind(models.TextChoices):
    REVISIT = "revisit", "Revisit"
    APPROVAL = "approval", "Approval"


class ReviewState(models.TextChoices):
    OPEN = "open", "Open"
    ANSWERED = "answered", "Answered"
    APPROVED = "approved", "Approved"
    REFUSED = "refused", "Refused"
    WITHDRAWN = "withdrawn", "Withdrawn"


class ReviewRequestQuerySet(models.QuerySet["ReviewRequest"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Whoever sees a run sees what was asked of it."""
        return self.filter(_run_seen_by(user))


class ReviewRequest(models.Model):
    """A manager asks a broker to revisit a run, or a broker asks for a choice to be approved.

    Each step is an event of the run as well; this row says where the request stands.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="review_requests")
    kind = models.CharField(max_length=10, choices=ReviewKind.choices)
    state = models.CharField(max_length=10, choices=ReviewState.choices, default=ReviewState.OPEN)
    choice = models.ForeignKey(
        DecisionEvent,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="approvals",
        help_text="The choice to be approved; another choice needs another approval.",
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews_asked"
    )
    asked_at = models.DateTimeField()
    text = SealedTextField(blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reviews_answered",
    )
    answered_at = models.DateTimeField(null=True, blank=True)
    answer = SealedTextField(blank=True)

    objects = ReviewRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at", "id"]
        indexes = [
            models.Index(
                name="review_open", fields=["kind", "asked_at"], condition=Q(state="open")
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="review_kind_known", condition=Q(kind__in=ReviewKind.values)
            ),
            models.CheckConstraint(
                name="review_state_known", condition=Q(state__in=ReviewState.values)
            ),
            models.CheckConstraint(
                name="review_closed_has_answerer",
                condition=Q(state="open", answered_by__isnull=True)
                | (~Q(state="open") & Q(answered_by__isnull=False, answered_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="review_nobody_approves_their_own",
                condition=~Q(kind="approval", state="approved") | ~Q(answered_by=F("asked_by")),
            ),
            models.CheckConstraint(
                name="review_approval_names_choice",
                condition=~Q(kind="approval") | Q(choice__isnull=False),
            ),
            models.UniqueConstraint(
                name="review_one_open_approval",
                fields=["choice"],
                condition=Q(kind="approval", state="open"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.get_state_display().lower()}"


class NoticeKind(models.TextChoices):
    FINISHED = "finished", "Run finished"
    NEEDS_PERSON = "needs_person", "Run needs a person"
    EXPIRING = "expiring", "Quote expiring undecided"
    REVIEW = "review", "Review asked"
    ANSWER = "answer", "Review answered"
    COMMENT = "comment", "Comment written"


class NoticeQuerySet(models.QuerySet["Notice"]):
    def of(self, user: User) -> Self:
        """The person's own notices of what they still see."""
        return self.filter(_run_seen_by(user), user=user)


class Notice(models.Model):
    """Something a person should know, shown until they have seen it; mailed where that is on.

    `key` keeps the same thing from being said twice. The text names no insured: it may be mailed.
    `mail_due_at` says when a worker next tries to mail it; nothing where it is not to be mailed,
    was mailed, or was given up after so many tries.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices"
    )
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=20, choices=NoticeKind.choices)
    key = models.CharField(max_length=120)
    text = models.CharField(max_length=300)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)
    mail_due_at = models.DateTimeField(null=True, blank=True)
    mail_tries = models.PositiveSmallIntegerField(default=0)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(name="notice_of_user", fields=["user", "-id"]),
            models.Index(name="notice_unread", fields=["user"], condition=Q(read_at__isnull=True)),
            models.Index(
                name="notice_to_mail",
                fields=["mail_due_at"],
                condition=Q(mail_due_at__isnull=False),
            ),
            models.Index(name="notice_of_run", fields=["run", "kind"]),
        ]
        constraints = [
            models.UniqueConstraint(name="notice_once", fields=["user", "key"]),
            models.CheckConstraint(
                name="notice_kind_known", condition=Q(kind__in=NoticeKind.values)
            ),
        ]

    def __str__(self) -> str:
        return self.text


class Chore(models.Model):
    """Work done every now and then by whichever worker comes first: when it is next due."""

    name = models.CharField(max_length=40, primary_key=True)
    due_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class SavedView(models.Model):
    """A person's filters, search and order of the list of runs, kept under a name."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views"
    )
    name = models.CharField(max_length=60)
    codes = models.CharField(max_length=2000, blank=True, help_text="Filters, as a query string.")
    search = models.CharField(max_length=200, blank=True)
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(name="saved_view_once", fields=["owner", "name"]),
        ]

    def __str__(self) -> str:
        return self.name
