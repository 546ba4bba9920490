"""What Nexio says, as typed messages that keep what they do not know.

Every message allows unknown fields (additive fields arrive without notice) and none of its
fields coerces.  Only three things make a reply unusable, as ValueError: it is not an object, it
has no usable ``run_id``, or a poll's reply has no ``status``.  Everything else that is odd reads
as not given.  The bytes as received are kept beside the message, in ``client.Reply.body``.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from quotes.nexio import values
from quotes.nexio.values import decode, encode_request

__all__ = [
    "Accepted",
    "JobReply",
    "SolutionMessage",
    "SolutionOffering",
    "decode",
    "encode_request",
]

TERMINAL: Final = frozenset({"completed", "failed", "degraded"})
PENDING: Final = frozenset({"queued", "processing"})
MAX_SOLUTIONS = 500
"""Solutions read from one reply.  Nobody documents a maximum; without one, 8 MB of ``{}`` would
become millions of rows."""
MAX_OFFERINGS = 100
STATUS_CAP = 64


def _status(value: Any) -> str | None:
    return values.text(value, STATUS_CAP)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(limit: int) -> Callable[[Any], list[Any]]:
    """Objects of a list up to ``limit``; what is no object stays as an empty one, flagged, so
    that nothing Nexio counted disappears."""

    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            return []
        return [
            item if isinstance(item, dict) else {"unreadable": True, "raw": item}
            for item in value[:limit]
        ]

    return read


Label = Annotated[str | None, BeforeValidator(values.text)]
Reference = Annotated[str | None, BeforeValidator(values.reference)]
Word = Annotated[str | None, BeforeValidator(_status)]
Prose = Annotated[str | None, BeforeValidator(values.text_of)]
Amount = Annotated[Decimal | None, BeforeValidator(values.amount)]
Count = Annotated[int | None, BeforeValidator(values.count)]
Moment = Annotated[datetime | None, BeforeValidator(values.moment)]
Object = Annotated[dict[str, Any], BeforeValidator(_object)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    @classmethod
    def read(cls, value: Any) -> Self:
        """The message in a decoded JSON value (see ``decode``).  Raises ValueError, in words fit
        for a page, where it cannot be one."""
        if not isinstance(value, dict):
            raise ValueError("the reply is not a JSON object")
        clean = values.storable(value)
        if "run_id" in value:
            # Judged as it came: an id that had to be changed to be stored names no run.
            clean["run_id"] = value["run_id"]
        try:
            return cls.model_validate(clean)
        except ValidationError as invalid:
            fields = ", ".join(str(error["loc"][0]) for error in invalid.errors() if error["loc"])
            raise ValueError(f"the reply has no usable {fields or 'content'}") from None


class Accepted(_Message):
    """The answer to a submission: ``{"run_id", "status": "queued"}`` (guide, "Submitting").

    ``run_id``  opaque; an integer reads as its digits.
    ``status``  as given, "" where missing: a usable ``run_id`` is never thrown away over it.
    """

    run_id: Annotated[str, BeforeValidator(values.identifier)]
    status: Annotated[str, BeforeValidator(lambda value: _status(value) or "")] = ""


class SolutionOffering(_Message):
    """One carrier's line inside a solution (guide, "Key fields").

    ``id``  the id that was sent, where Nexio echoes it.
    ``product_name`` is read from ``coverage``, ``quote_id`` and ``line_premium_annual`` from
    ``attributes``.  ``raw`` is the object as given (storable).
    """

    id: Reference = None
    provider_name: Label = None
    category: Label = None
    product_name: Label = None
    quote_id: Reference = None
    line_premium_annual: Amount = None
    unreadable: bool = False
    raw: Any = None

    @model_validator(mode="before")
    @classmethod
    def _lift(cls, data: dict[str, Any]) -> dict[str, Any]:
        if data.get("unreadable") is True and set(data) == {"unreadable", "raw"}:
            return data
        coverage, attributes = _object(data.get("coverage")), _object(data.get("attributes"))
        return {
            **data,
            "product_name": coverage.get("product_name"),
            "quote_id": attributes.get("quote_id"),
            "line_premium_annual": attributes.get("line_premium_annual"),
            "unreadable": False,
            "raw": data,
        }


class SolutionMessage(_Message):
    """One ranked package.  Order by ``rank``; ``overall_level`` has no documented scale.

    ``est_cost_low``/``est_cost_high``  dollars a year.
    ``unreadable``  true where Nexio listed something that is not an object.
    ``raw``  the value as given (storable).
    """

    rank: Count = None
    cluster_label: Label = None
    provider_count: Count = None
    est_cost_low: Amount = None
    est_cost_high: Amount = None
    scorecard: Object = Field(default_factory=dict)
    offerings: Annotated[list[SolutionOffering], BeforeValidator(_list(MAX_OFFERINGS))] = Field(
        default_factory=list
    )
    unreadable: bool = False
    raw: Any = None

    @model_validator(mode="before")
    @classmethod
    def _keep(cls, data: dict[str, Any]) -> dict[str, Any]:
        if data.get("unreadable") is True and set(data) == {"unreadable", "raw"}:
            return data
        return {**data, "unreadable": False, "raw": data}

    @property
    def overall_level(self) -> Decimal | None:
        """``scorecard.overall_level``, the canonical package score (guide, checklist point 6)."""
        return values.amount(self.scorecard.get("overall_level"))


class JobReply(_Message):
    """The answer to a poll, of a run in any status.

    ``status``, ``stage``, ``environment``  open strings, at most 64 characters.
    ``error``  Nexio's message, also where it came as ``{"code", "message", "details"}``; then
    ``error_details`` falls back to those details.
    ``output``  the object as given; its ``diagnostic`` and ``degradation_reason`` as text are
    properties of this message.
    ``solutions_left_out``  solutions beyond ``MAX_SOLUTIONS``, not read.
    ``solutions_unreadable``  true where ``solutions`` was given and is not a list.
    ``raw``  the whole reply as a storable JSON object.
    """

    run_id: Annotated[str, BeforeValidator(values.identifier)]
    status: Annotated[str, BeforeValidator(_status)]
    stage: Word = None
    environment: Word = None
    error: Prose = None
    error_details: Any = None
    output: Object = Field(default_factory=dict)
    solutions: Annotated[list[SolutionMessage], BeforeValidator(_list(MAX_SOLUTIONS))] = Field(
        default_factory=list
    )
    solutions_left_out: int = 0
    solutions_unreadable: bool = False
    created_at: Moment = None
    completed_at: Moment = None
    duration_ms: Annotated[int | None, BeforeValidator(values.milliseconds)] = None
    raw: dict[str, Any]

    @model_validator(mode="before")
    @classmethod
    def _keep(cls, data: dict[str, Any]) -> dict[str, Any]:
        error, details = data.get("error"), data.get("error_details")
        if isinstance(error, dict):
            details = error.get("details") if details is None else details
            error = error.get("message") or error.get("code") or error
        found = data.get("solutions")
        listed = found if isinstance(found, list) else []
        return {
            **data,
            "error": error,
            "error_details": details,
            "solutions_left_out": max(len(listed) - MAX_SOLUTIONS, 0),
            "solutions_unreadable": found is not None and not isinstance(found, list),
            "raw": data,
        }

    @property
    def error_code(self) -> str:
        """The code of an error that came as ``{"code", "message"}``; "" of any other."""
        error = self.raw.get("error")
        code = error.get("code") if isinstance(error, dict) else None
        return code[:100] if isinstance(code, str) else ""

    @property
    def is_terminal(self) -> bool:
        """Whether polling ends here: completed, failed or degraded, spelled exactly so, or an
        unknown status with ``completed_at``.

        ``queued`` and ``processing`` go on even with a ``completed_at``: the guide says so of
        both, and asking once more costs less than recording an unfinished run as finished.
        """
        if self.status in TERMINAL:
            return True
        return self.status not in PENDING and self.completed_at is not None

    @property
    def diagnostic(self) -> str | None:
        """Why there are few or no solutions, in Nexio's words; at most 2,000 characters."""
        return values.text_of(self.output.get("diagnostic"))

    @property
    def degradation_reason(self) -> str | None:
        """Why the run is ``degraded``, in Nexio's words; at most 2,000 characters."""
        return values.text_of(self.output.get("degradation_reason"))
