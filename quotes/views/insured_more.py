"""What an insured's page shows beside its quotes: renewals, attachments, what changed since a
run, where the profile came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quotes.models import Insured, Quote, Run, User
from quotes.services.profile_origins import profile_origins
from quotes.services.since_run import changes_since
from quotes.views.attachments import attachments_context
from quotes.views.renewals import renewal_links


def more_context(
    user: User, insured: Insured, quotes: Sequence[Quote], earlier: Run | None
) -> dict[str, Any]:
    """What `partials/insured_since.html` and `attachments.html` draw, and the profile's "Where it
    came from". `insured` and `quotes` come with their rows."""
    return {
        **attachments_context(user, insured),
        **renewal_links(user, insured),
        "changes": changes_since(earlier, insured, quotes) if earlier else [],
        "origins": profile_origins(insured),
    }
