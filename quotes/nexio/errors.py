"""Everything that can go wrong between this app and Nexio, as one tree.

::

    NexioError
    ├── NotSent        no byte of the request left this machine
    ├── Refused        left; Nexio said no, definitely (a 4xx, but see INDEFINITE)
    │   └── KeyRefused left; 401, the key is not accepted
    ├── Throttled      left; 429, or 503 with a readable Retry-After: come back later
    ├── LostReply      may have left; no complete reply arrived
    ├── ServerFault    left; any other 5xx
    └── Unusable       left; a reply that cannot be what Nexio means to say

Two questions are kept apart, because only the second decides about a second POST:

=============  ===================  ====================  ===================================
class          ``may_have_left``    ``outcome_unknown``   a submission that ends so
=============  ===================  ====================  ===================================
NotSent        False                False                 was never made: send it again
Refused        True                 False                 was turned down: a person edits it
Throttled      True                 False                 was put off: send it again later
LostReply      True                 True                  may be running at Nexio
ServerFault    True                 True                  may be running at Nexio
Unusable       True                 True                  may be running at Nexio
=============  ===================  ====================  ===================================

Nexio documents no idempotency of its POST, so wherever ``outcome_unknown`` is true nothing but a
person may submit again.  ``asyncio.CancelledError`` is not part of this tree and is never
swallowed: whoever cancels a submission must treat it as a ``LostReply``.

No error carries the API key: not in its message, not in its body, not in its ``__cause__`` or
``__context__`` (httpx's exceptions hold the request with its headers, so none is chained).
All of them survive pickling.
"""

from typing import Any, ClassVar

MESSAGE_CAP = 500
"""Longest ``message``, in characters: it is meant for a page or a log line."""

ERROR_BODY_CAP = 64 * 1024
"""Most bytes of a reply an error keeps in ``body``."""

INDEFINITE = frozenset({408, 409, 425, 499})
"""Statuses of the 4xx that do not say that nothing was taken on.

408 and 499 tell of the exchange, not of the request: a gateway gave up waiting, or thinks that we
did, while Nexio may have the whole of it.  409 may mean that the request is there already, and
425 that it is taken for one that was sent before.
"""

DEFAULT_RETRY_AFTER = 5.0
"""Seconds to wait after a 429 that does not say, or does not say readably, how long."""

MAX_RETRY_AFTER = 900.0
"""Seconds; a longer Retry-After is cut to this."""


class NexioError(Exception):
    """The root.  Catch this to catch everything a call to Nexio can raise.

    ``message``        safe to show: printable text of at most ``MESSAGE_CAP`` characters.
    ``may_have_left``  whether a byte of the request may have left this machine.
    ``http_status``    the reply's status, or None where there was no reply.
    ``body``           the reply's decoded bytes as far as they arrived, at most
                       ``ERROR_BODY_CAP``; None where there was no reply.
    ``code``, ``nexio_message``, ``details``
                       what Nexio's error envelope said (flat ``{"code", "message"}`` or
                       ``{"error": {"code", "message", "details"}}``); None where it did not.
    """

    may_have_left: bool = True
    outcome_unknown: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        http_status: int | None = None,
        body: bytes | None = None,
        code: str | None = None,
        nexio_message: str | None = None,
        details: Any = None,
    ) -> None:
        self.message = " ".join(message.split())[:MESSAGE_CAP]
        super().__init__(self.message)
        self.http_status = http_status
        self.body = None if body is None else body[:ERROR_BODY_CAP]
        self.code = code
        self.nexio_message = nexio_message
        self.details = details


class NotSent(NexioError):
    """No byte left: name not found, connection refused, TLS failed, time-out while connecting,
    no free connection, or our own check refused the request before sending it."""

    may_have_left = False


class Refused(NexioError):
    """Nexio (or a gateway before it) refused the request for good: any 4xx except 429 and those
    of ``INDEFINITE``.

    Documented are 400, 401, 403, 404 and 422.  The others (405, 410, 413, 415 …) are taken the
    same way: RFC 9110 section 15.5 gives the class one meaning, the request was not fulfilled
    because of the request, so nothing runs at Nexio and sending the same bytes again would be
    refused again.
    """


class KeyRefused(Refused):
    """401: the key is missing, revoked, or for another environment."""


class Throttled(NexioError):
    """429, or 503 with a readable ``Retry-After``: not taken on, ask again later.

    ``retry_after``  seconds to wait from now, 0 to ``MAX_RETRY_AFTER``.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: float = DEFAULT_RETRY_AFTER,
        http_status: int | None = None,
        body: bytes | None = None,
        code: str | None = None,
        nexio_message: str | None = None,
        details: Any = None,
    ) -> None:
        super().__init__(
            message,
            http_status=http_status,
            body=body,
            code=code,
            nexio_message=nexio_message,
            details=details,
        )
        self.retry_after = min(max(retry_after, 0.0), MAX_RETRY_AFTER)


class LostReply(NexioError):
    """Sending had begun, and no complete reply came back: the connection broke, a time-out or
    the total deadline passed, or what came was not HTTP.  Nexio may have the whole request.

    ``http_status`` and ``body`` hold what did arrive of the reply.
    """

    outcome_unknown = True


class ServerFault(NexioError):
    """A 5xx that does not say when to come back.  Nothing says whether the request was taken on
    before the fault, so a submission that ends so may be running."""

    outcome_unknown = True


class Unusable(NexioError):
    """A whole reply that cannot be used: a redirect (never followed), a 4xx of ``INDEFINITE``, a
    2xx that is no JSON, is too large, too deeply nested or of the wrong types, has no usable
    ``run_id``, or names another run."""

    outcome_unknown = True
