"""Where the values of a profile came from, for whoever asks."""

from __future__ import annotations

from dataclasses import dataclass

from quotes.models import LINES, Insured, Line
from quotes.services.origins import Origin, origin_of
from quotes.services.profile import label, words

HEAD_LABELS = {
    "applicant_name": "Applicant",
    "street": "Street",
    "city": "City",
    "state": "State",
    "zip_code": "ZIP code",
}
IN_DOCUMENT = {
    "effective_date": "Effective date",
    "residence": "Residence",
    "insurance_history": "Insurance history",
}


@dataclass(frozen=True)
class ValueOrigin:
    """A stated value in words, and how it came to be; None where nobody said."""

    label: str
    value: str
    origin: Origin | None


def profile_origins(insured: Insured) -> list[ValueOrigin]:
    """Every stated part of the profile; the insured comes with drivers, vehicles, incumbents."""
    found = [
        ValueOrigin(shown, str(getattr(insured, name)), origin_of(insured, name))
        for name, shown in HEAD_LABELS.items()
        if getattr(insured, name)
    ]
    for name in ("drivers", "vehicles"):
        rows = list(getattr(insured, name).all())
        if rows:
            listed = ", ".join(str(row) for row in rows)
            found.append(ValueOrigin(name.capitalize(), listed, origin_of(insured, name)))
    document = insured.document if isinstance(insured.document, dict) else {}
    found += [
        ValueOrigin(shown, words(name, document[name]), origin_of(insured, name))
        for name, shown in IN_DOCUMENT.items()
        if document.get(name)
    ]
    policies = {policy.line: policy for policy in insured.incumbents.all()}
    for line in LINES:
        if line in policies:
            policy = policies[line]
            carrier = policy.carrier_name or "carrier —"
            shown = f"{carrier}, {words('premium', policy.annual_premium)}"
            origin = origin_of(insured, f"incumbents.{line}")
            found.append(ValueOrigin(f"{label(Line(line).label)} in force", shown, origin))
    return found
