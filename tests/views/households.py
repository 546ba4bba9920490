"""A household as small as one can be that is ranked."""

from __future__ import annotations

from typing import Any


def household(name: str, **more: Any) -> dict[str, Any]:
    """A guide's `input` of one household with one quote; `more` adds to it, or replaces."""
    return {
        "applicant": {"name": name},
        "address": {"city": "Testville", "state": "OH", "zip_code": "43004"},
        "current_coverage": {"home": {"carrier": f"{name} Mutual", "annual_premium": 100}},
        "quotes": [
            {"carrier": "Fable Mutual", "package_id": f"p-{name}", "home": {"premium_annual": 1000}}
        ],
        **more,
    }
