"""Comments on a run: whoever sees the run may write one, and none is ever changed."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from quotes.models import Comment, NoticeKind, Run, User
from quotes.services import run_people
from quotes.services.decisions import NotPossible
from quotes.services.notices.telling import tell
from quotes.services.review.steps import MOST_COMMENT, excerpt, stated


@transaction.atomic
def write_comment(*, run: Run, author: User, text: str) -> Comment:
    """Add a comment. Told are the run's brokers and who commented before, but not the author."""
    said = stated(text, ask="Write the comment first.", most=MOST_COMMENT, shortest=1)
    if not Run.objects.visible_to(author).filter(pk=run.pk).exists():
        raise NotPossible("You no longer see this run; nothing was recorded.")
    now = timezone.now()
    comment = Comment.objects.create(run=run, author=author, text=said, at=now)
    run.note(
        at=now, kind="comment", text=f"Commented: {excerpt(said)}", actor=author,
        data={"comment": comment.pk, "text": said},
    )  # fmt: skip
    tell(
        run=run,
        people=lambda: [*run_people.brokers_of(run), *_commented(run)],
        kind=NoticeKind.COMMENT,
        key=f"comment:{comment.pk}",
        text=f"A comment was written on run {run.number}.",
        now=now,
        but=author,
    )
    return comment


def _commented(run: Run) -> list[User]:
    authors = Comment.objects.filter(run=run).order_by().values("author")
    return list(User.objects.filter(pk__in=authors, is_active=True))
