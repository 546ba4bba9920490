"""What is stored: a file an aggregate."""

from quotes.models.append_only import AppendOnly
from quotes.models.attachment import Attachment
from quotes.models.audit import AuditEvent, Deed, ExportPart
from quotes.models.beat import WorkerBeat
from quotes.models.carrier import Carrier, CarrierAlias
from quotes.models.decision import (
    DecisionEvent,
    DecisionKind,
    How,
    Proposal,
    ProposalOption,
    ProposalPage,
)
from quotes.models.figures import KeptDay, KeptMonth, MonthFigures
from quotes.models.imports import ColumnChoice, ImportDraft
from quotes.models.insured import Driver, IncumbentPolicy, Insured, InsuredShare, Vehicle
from quotes.models.lines import LINES, Line
from quotes.models.office import ApprovalRule, Office
from quotes.models.open_session import OpenSession
from quotes.models.quote import Quote, QuoteLine
from quotes.models.retention import LegalHold, PurgePass, Tombstone
from quotes.models.review import (
    Chore,
    Comment,
    Notice,
    NoticeKind,
    ReviewKind,
    ReviewRequest,
    ReviewState,
    SavedView,
)
from quotes.models.run import Decision, Run, RunEvent, RunState
from quotes.models.run_fact import CarrierPart, RunCarrier, RunFact
from quotes.models.sealed_table import SealedTable
from quotes.models.service import NexioService
from quotes.models.solution import Solution, SolutionLine
from quotes.models.user import Role, User

__all__ = [
    "LINES",
    "AppendOnly",
    "ApprovalRule",
    "Attachment",
    "AuditEvent",
    "Carrier",
    "CarrierAlias",
    "CarrierPart",
    "Chore",
    "ColumnChoice",
    "Comment",
    "Decision",
    "DecisionEvent",
    "DecisionKind",
    "Deed",
    "Driver",
    "ExportPart",
    "How",
    "ImportDraft",
    "IncumbentPolicy",
    "Insured",
    "InsuredShare",
    "KeptDay",
    "KeptMonth",
    "LegalHold",
    "Line",
    "MonthFigures",
    "NexioService",
    "Notice",
    "NoticeKind",
    "Office",
    "OpenSession",
    "Proposal",
    "ProposalOption",
    "ProposalPage",
    "PurgePass",
    "Quote",
    "QuoteLine",
    "ReviewKind",
    "ReviewRequest",
    "ReviewState",
    "Role",
    "Run",
    "RunCarrier",
    "RunEvent",
    "RunFact",
    "RunState",
    "SavedView",
    "SealedTable",
    "Solution",
    "SolutionLine",
    "Tombstone",
    "User",
    "Vehicle",
    "WorkerBeat",
]
