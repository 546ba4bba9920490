"""Line details: limits, deductibles, form, term and the like, stated in shorthand or imported."""

from quotes.services.details.catalogue import (
    BY_CODE,
    DETAILS,
    Detail,
    detail_named,
    parse_detail,
    shown_detail,
)
from quotes.services.details.sources import document_details
from quotes.services.details.stated import (
    LineDetails,
    StatedDetail,
    annual_of,
    details_of,
    imported_details,
    overrides,
    premium_text,
    set_detail,
    set_premium,
    take_restated,
)
from quotes.services.details.summaries import percent_in_dollars, reading, summary, term_words
from quotes.services.details.wire import (
    add_to_offering,
    lay_over_line,
    lay_over_offering,
    take_out,
)

__all__ = [
    "BY_CODE",
    "DETAILS",
    "Detail",
    "LineDetails",
    "StatedDetail",
    "add_to_offering",
    "annual_of",
    "detail_named",
    "details_of",
    "document_details",
    "imported_details",
    "lay_over_line",
    "lay_over_offering",
    "overrides",
    "parse_detail",
    "percent_in_dollars",
    "premium_text",
    "reading",
    "set_detail",
    "set_premium",
    "shown_detail",
    "summary",
    "take_out",
    "take_restated",
    "term_words",
]
