"""What is stored: a file an aggregate."""

from quotes.models.attachment import Attachment
from quotes.models.carrier import Carrier, CarrierAlias
from quotes.models.decision import (
    DecisionEvent,
    DecisionKind,
    How,
    Proposal,
    ProposalOption,
    ProposalPage,
)
from quotes.models.imports import ColumnChoice, ImportDraft
from quotes.models.insured import Driver, IncumbentPolicy, Insured, Vehicle
from quotes.models.lines import LINES, Line
from quotes.models.quote import Quote, QuoteLine
from quotes.models.run import Decision, Run, RunEvent, RunState
from quotes.models.service import NexioService
from quotes.models.solution import Solution, SolutionLine
from quotes.models.user import Role, User

__all__ = [
    "LINES",
    "Attachment",
    "Carrier",
    "CarrierAlias",
    "ColumnChoice",
    "Decision",
    "DecisionEvent",
    "DecisionKind",
    "Driver",
    "How",
    "ImportDraft",
    "IncumbentPolicy",
    "Insured",
    "Line",
    "NexioService",
    "Proposal",
    "ProposalOption",
    "ProposalPage",
    "Quote",
    "QuoteLine",
    "Role",
    "Run",
    "RunEvent",
    "RunState",
    "Solution",
    "SolutionLine",
    "User",
    "Vehicle",
]
