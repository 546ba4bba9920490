"""A plan in words: every household and quote of it as the preview shows them."""

from __future__ import annotations

from quotes.services.importing.planning import InsuredPlan, QuotePlan
from quotes.services.importing.preview import InsuredForecast, QuoteForecast


def forecast(planned: InsuredPlan) -> InsuredForecast:
    """One household of the plan, with its quotes."""
    stored = planned.stored

    def value(name: str) -> str:
        return str(planned.columns.get(name, getattr(stored, name) if stored else ""))

    tail = " ".join(part for part in (value("state"), value("zip_code")) if part)
    return InsuredForecast(
        name=value("applicant_name") or "Unnamed insured",
        place=", ".join(part for part in (value("city"), tail) if part),
        state=planned.state,
        pk=stored.pk if stored else None,
        changes=planned.changes,
        quotes=[_quote(each) for each in planned.quotes],
    )


def _quote(planned: QuotePlan) -> QuoteForecast:
    stored = planned.stored
    premiums = {line.line: line.premium_annual for line in stored.lines.all()} if stored else {}
    for line in planned.lines:
        if "premium_annual" in line.columns:
            premiums[line.name] = line.columns["premium_annual"]
    package = stored.package_premium_annual if stored else None
    return QuoteForecast(
        carrier=planned.carrier.name,
        state=planned.state,
        rows=planned.stated.rows,
        premiums=premiums,
        package=planned.columns.get("package_premium_annual", package),
        changes=planned.changes,
    )
