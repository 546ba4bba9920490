"""Which submissions are taken. Everything refused is refused with the path of its field.

The guide marks ``drivers``, ``vehicles_detail``, ``current_coverage`` and ``quotes`` required
and then omits them in its own example, so they are checked for their type only.
"""

import re
from decimal import Decimal
from typing import Any

from sandbox.wire import TYPE_NAMES

MAX_BODY_BYTES = 2 * 1024 * 1024
MAX_OFFERINGS = 1_000
MAX_DEPTH = 64
MAX_PREMIUM = Decimal(10_000_000)
MAX_ERRORS_NAMED = 5

LINES = ("home", "auto", "umbrella")
APPETITES = ("coverage_first", "cost_sensitive", "balanced", "simplicity")
STATES = frozenset(
    {
        "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN",
        "IA", "KS", "KY", "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH",
        "NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT",
        "VT", "VA", "WA", "WV", "WI", "WY", "AS", "GU", "MP", "PR", "VI",
    }
)  # fmt: skip
OPTIONAL_TYPES: dict[str, type] = {
    "drivers": list,
    "vehicles_detail": list,
    "quotes": list,
    "current_coverage": dict,
    "applicant": dict,
    "residence": dict,
    "insurance_history": dict,
}
_ZIP = re.compile(r"[0-9]{5}(-[0-9]{4})?")


class InvalidRequest(ValueError):
    """The body breaks the contract; the message names each field and what it should be."""


class _Findings:
    """Collects ``path: what is wrong`` so that one reply can name several fields."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, path: str, message: str) -> None:
        self.found.append(f"{path}: {message}")

    def is_type(self, value: Any, kind: type, path: str) -> bool:
        """Note a wrong or missing value; true when ``value`` is of ``kind``."""
        if isinstance(value, kind):
            return True
        wanted = TYPE_NAMES[kind]
        if value is None:
            self.add(path, f"is required and must be {wanted}")
        else:
            self.add(path, f"must be {wanted}, not {TYPE_NAMES[type(value)]}")
        return False

    def text(self, value: Any, path: str) -> bool:
        """Note anything but a string with something in it; true when it is one."""
        if not self.is_type(value, str, path):
            return False
        if not value.strip():
            self.add(path, "must not be empty")
            return False
        return True

    def premium(self, value: Any, path: str) -> None:
        """Note anything but a JSON number of dollars from 0 to ``MAX_PREMIUM``."""
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            given = "missing" if value is None else TYPE_NAMES[type(value)]
            self.add(path, f"must be a number of dollars a year, not {given}")
        elif value < 0:
            self.add(path, "must not be negative")
        elif value > MAX_PREMIUM:
            self.add(path, f"must not exceed {MAX_PREMIUM}")

    def raise_if_any(self) -> None:
        if not self.found:
            return
        message = "; ".join(self.found[:MAX_ERRORS_NAMED])
        more = len(self.found) - MAX_ERRORS_NAMED
        raise InvalidRequest(message + (f"; and {more} more" if more > 0 else ""))


def check_submission(body: Any) -> None:
    """Raise ``InvalidRequest`` unless ``body`` is ``{"input": {...}, "offerings": [...]}``.

    ``body`` is as read by ``wire.loads``. Unknown keys are legal everywhere.
    """
    findings = _Findings()
    if not isinstance(body, dict):
        raise InvalidRequest(f"body: must be an object, not {TYPE_NAMES[type(body)]}")
    if _depth_exceeds(body, MAX_DEPTH):
        raise InvalidRequest(f"body: must not be nested deeper than {MAX_DEPTH} levels")
    if findings.is_type(body.get("input"), dict, "input"):
        _check_input(body["input"], findings)
    if findings.is_type(body.get("offerings"), list, "offerings"):
        _check_offerings(body["offerings"], findings)
    findings.raise_if_any()


def _check_input(value: dict[str, Any], findings: _Findings) -> None:
    _check_coverage_types(value.get("coverage_types"), findings)
    if findings.is_type(value.get("address"), dict, "input.address"):
        address = value["address"]
        if (
            findings.text(address.get("state"), "input.address.state")
            and address["state"].upper() not in STATES
        ):
            findings.add("input.address.state", "must be a two-letter state code such as CA")
        if findings.text(address.get("zip_code"), "input.address.zip_code") and not _ZIP.fullmatch(
            address["zip_code"]
        ):
            findings.add("input.address.zip_code", "must be five digits, or five, a dash and four")
    for name, kind in OPTIONAL_TYPES.items():
        if value.get(name) is not None:
            findings.is_type(value[name], kind, f"input.{name}")
    appetite = value.get("appetite_bucket")
    if appetite is not None and appetite not in APPETITES:
        findings.add("input.appetite_bucket", f"must be one of {', '.join(APPETITES)}")


def _check_coverage_types(value: Any, findings: _Findings) -> None:
    path = "input.coverage_types"
    if not findings.is_type(value, list, path):
        return
    if not value:
        findings.add(path, "must name at least one of " + ", ".join(LINES))
    for index, line in enumerate(value):
        if line not in LINES:
            findings.add(f"{path}[{index}]", f"must be one of {', '.join(LINES)}")
        elif line in value[:index]:
            findings.add(f"{path}[{index}]", f"{line} is named twice")


def _check_offerings(offerings: list[Any], findings: _Findings) -> None:
    if len(offerings) > MAX_OFFERINGS:
        findings.add("offerings", f"must not hold more than {MAX_OFFERINGS}")
        return
    seen: dict[str, int] = {}
    for index, offering in enumerate(offerings):
        path = f"offerings[{index}]"
        if not findings.is_type(offering, dict, path):
            continue
        _check_offering(offering, path, findings)
        name = offering.get("id")
        if isinstance(name, str):
            if name in seen:
                findings.add(f"{path}.id", f"is the same as offerings[{seen[name]}].id")
            seen.setdefault(name, index)


def _check_offering(offering: dict[str, Any], path: str, findings: _Findings) -> None:
    for name in ("id", "provider_name", "category"):
        findings.text(offering.get(name), f"{path}.{name}")
    if findings.is_type(offering.get("coverage"), dict, f"{path}.coverage"):
        for name in ("product_name", "program_type"):
            findings.text(offering["coverage"].get(name), f"{path}.coverage.{name}")
    if findings.is_type(offering.get("attributes"), dict, f"{path}.attributes"):
        attributes = offering["attributes"]
        findings.text(attributes.get("quote_id"), f"{path}.attributes.quote_id")
        for name in ("line_premium_annual", "package_premium_annual"):
            findings.premium(attributes.get(name), f"{path}.attributes.{name}")
    constraints = offering.get("constraints")
    if constraints is not None and findings.is_type(constraints, dict, f"{path}.constraints"):
        states = constraints.get("excluded_states")
        where = f"{path}.constraints.excluded_states"
        if states is not None and findings.is_type(states, list, where):
            for index, state in enumerate(states):
                findings.is_type(state, str, f"{where}[{index}]")


def _depth_exceeds(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True
