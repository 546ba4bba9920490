"""A form that could not be taken where it was posted: what was typed is carried along."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, QueryDict
from django.utils.http import url_has_allowed_host_and_scheme

MOST_KEPT = 500_000
"""Characters of a form that are carried through signing in; our largest is a tenth of that."""


@dataclass(frozen=True)
class KeptForm:
    """A form posted without a session: where to, and its body as the browser encoded it."""

    path: str
    body: str

    @classmethod
    def posted(cls, request: HttpRequest) -> KeptForm | None:
        """The form in this request; None for an upload, or one too large to send about."""
        if request.content_type != "application/x-www-form-urlencoded":
            return None
        if len(request.body) > MOST_KEPT:
            return None
        return cls(request.path, request.body.decode("ascii", "ignore"))

    @classmethod
    def carried(cls, request: HttpRequest) -> KeptForm | None:
        """The form that our own sign-in page carries; a path that is not ours is dropped."""
        path, body = request.POST.get("kept_path", ""), request.POST.get("kept_body", "")
        if not path.startswith("/") or not url_has_allowed_host_and_scheme(path, None):
            return None
        return cls(path, body[:MOST_KEPT])

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Every field in its order, without the token of the session that ended."""
        pairs = QueryDict(self.body, mutable=False).lists()
        return [
            (name, value)
            for name, values in pairs
            for value in values
            if name != "csrfmiddlewaretoken"
        ]
