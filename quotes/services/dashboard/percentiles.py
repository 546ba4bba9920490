"""Exact percentiles by SQL, the same statement on every database.

The definition is that of PostgreSQL's percentile_cont, of a spreadsheet's PERCENTILE.INC and of
Python's `statistics.quantiles(method="inclusive")`: of n values in order, the p-th percentile
lies p/100 of the way along the n − 1 steps between them, and between two values it is
interpolated. The median of an even number of values is the middle of the two in the middle.

The database numbers the values and hands over only the two around each percentile.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.expressions import BaseExpression
from django.db.models.functions import RowNumber

Percentiles = dict[Hashable, dict[int, float]]


def percentiles(
    rows: QuerySet[Any], column: str, whole: Sequence[int], by: BaseExpression | None = None
) -> Percentiles:
    """Group → percentile → value of a float column, over the rows that have one.

    `whole` are percents as whole numbers. Without `by` the one group is None; a group without
    values is left out.
    """
    stated = rows.filter(**{f"{column}__isnull": False}).order_by()
    parts = None if by is None else [by]
    placed = stated.annotate(
        step=Window(RowNumber(), partition_by=parts, order_by=F(column).asc()) - 1,
        steps=Window(Count("*"), partition_by=parts) - 1,
    )
    # |100·step − percent·steps| < 100: the two values around the place, or the one upon it.
    around = Q()
    for percent in whole:
        place = F("steps") * percent
        around |= Q(hundredfold__gt=place - 100) & Q(hundredfold__lt=place + 100)
    placed = placed.annotate(hundredfold=F("step") * 100).filter(around)
    columns = ["step", "steps", column]
    if by is not None:
        placed = placed.annotate(group=by)
        columns.append("group")
    values: dict[Hashable, dict[int, float]] = {}
    steps: dict[Hashable, int] = {}
    for step, last, value, *group in placed.values_list(*columns):
        key = group[0] if group else None
        values.setdefault(key, {})[step] = value
        steps[key] = last
    return {
        key: {percent: _between(known, percent, steps[key]) for percent in whole}
        for key, known in values.items()
    }


def _between(known: dict[int, float], percent: int, steps: int) -> float:
    below, rest = divmod(percent * steps, 100)
    low = known[below]
    return low + (known[below + 1] - low) * rest / 100 if rest else low
