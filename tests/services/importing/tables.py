"""Tables as a broker would have them, and what is stored after importing them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from quotes.models import Insured, Quote, QuoteLine, User
from quotes.services.importing.entry import Incoming, Outcome, confirm, prepare
from quotes.services.importing.preview import Preview
from quotes.services.origins import How

HEADINGS = (
    "Insured", "City", "State", "ZIP", "Carrier", "Package id", "Package premium",
    "Home premium", "Home quote id", "Home product", "Auto premium", "Auto quote id",
    "Umbrella premium",
)  # fmt: skip
HOME = ("Ana Fable", "Irvine", "CA", "92602")
LARKSPUR = (
    *HOME,
    "Larkspur Mutual",
    "P-1",
    "6900",
    "4100",
    "H-1",
    "Signature",
    "2400",
    "A-1",
    "480",
)
TIDEWATER = (
    *HOME,
    "Tidewater Casualty",
    "P-2",
    "6500",
    "3900",
    "H-2",
    "Select",
    "2300",
    "A-2",
    "450",
)


def csv_of(*rows: Sequence[Any], headings: Sequence[str] = HEADINGS) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([headings, *rows])
    return out.getvalue().encode()


def incoming(raw: bytes, owner: User, **more: Any) -> Incoming:
    return Incoming(raw, more.pop("name", "quotes.csv"), How.IMPORTED, owner, **more)


def preview_of(raw: bytes, owner: User, **more: Any) -> Preview:
    return prepare(incoming(raw, owner, **more))


def imported(raw: bytes, owner: User, **more: Any) -> Outcome:
    return confirm(incoming(raw, owner, **more))


def stored() -> list[list[Any]]:
    """Every column of every insured, quote and line."""
    return [list(model.objects.order_by("pk").values()) for model in (Insured, Quote, QuoteLine)]


def counted(preview: Preview) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(insureds, quotes), each as (created, changed, unchanged)."""
    return (
        tuple(preview.insured_counts.as_json().values()),
        tuple(preview.quote_counts.as_json().values()),
    )
