"""A vehicle's identification number, however a document spells it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

VIN_KEYS = ("vin", "vin_number", "vehicle_identification_number", "vehicleidentificationnumber")
VIN_CHARS = 17


def read_vin(value: Any) -> str:
    """A VIN's 17 letters and digits from text, or from a vehicle's document; else empty."""
    if isinstance(value, Mapping):
        stated = {
            str(k).casefold().replace("-", "_").replace(" ", "_"): v for k, v in value.items()
        }
        return next((vin for key in VIN_KEYS if (vin := read_vin(stated.get(key)))), "")
    plain = re.sub(r"[\s-]+", "", value).upper() if isinstance(value, str) else ""
    return plain if re.fullmatch(r"[A-HJ-NPR-Z0-9]{17}", plain) else ""
