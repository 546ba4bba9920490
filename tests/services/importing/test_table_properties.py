"""Any table written from stated quotes, in any order and spelling, reads back the same."""

from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from xlsxwriter import Workbook

from quotes.models import LINES
from quotes.services.documents import day_end
from quotes.services.importing.rows import read_table
from quotes.services.importing.sheets import read_sheets
from quotes.services.reading import Unreadable

HEADINGS = {
    "applicant_name": ["Insured", "Named insured", "Client name"],
    "zip_code": ["ZIP", "Zip code", "Property zip"],
    "state": ["State", "ST"],
    "carrier": ["Carrier", "Company", "Insurer", "Insurance Co."],
    "package_id": ["Package id", "Pkg #"],
    "package_premium_annual": ["Pkg premium", "Total premium", "Package premium ($)"],
    "term_months": ["Term", "Term (months)"],
    "expires_at": ["Expires", "Good through", "Exp date", "Quote expires"],
    "home.premium_annual": ["Home", "HO annual", "HO3 Prem", "Homeowners premium"],
    "home.quote_ref": ["Home quote #", "HO quote no."],
    "home.product_name": ["Home product", "HO plan"],
    "auto.premium_annual": ["Auto", "PAP premium", "Auto annual premium"],
    "auto.quote_ref": ["Auto quote id", "PAP quote #"],
    "auto.product_name": ["Auto product"],
    "umbrella.premium_annual": ["PUP", "Umb prem", "Excess liability", "Umbrella"],
    "umbrella.quote_ref": ["Umbrella quote id", "PUP quote no"],
    "umbrella.product_name": ["Umbrella product"],
}
WORD = st.from_regex(r"[A-Z][a-z]{2,8}", fullmatch=True)
CARRIER = st.builds("{} Mutual".format, WORD)
MONEY = st.integers(0, 9_999_999_00).map(lambda cents: Decimal(cents).scaleb(-2))
IDENTIFIER = st.from_regex(r"[A-Z]{1,3}-[0-9]{1,8}", fullmatch=True)
DAY = st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 30))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "applicant_name": st.builds("{} {}".format, WORD, WORD),
    "zip_code": st.from_regex(r"[0-9]{5}(-[0-9]{4})?", fullmatch=True),
    "state": st.sampled_from(["CA", "MA", "NY", "TX"]),
    "package_premium_annual": MONEY,
    "term_months": st.integers(1, 36),
    "expires_at": DAY,
} | {
    f"{line}.{code}": strategy
    for line in LINES
    for code, strategy in (
        ("premium_annual", MONEY),
        ("quote_ref", IDENTIFIER),
        ("product_name", st.builds("{} Product".format, WORD)),
    )
}


@st.composite
def stated(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Quotes by target, each with a carrier, a package id of its own and a premium."""
    household = draw(
        st.fixed_dictionaries({}, optional={"applicant_name": VALUES["applicant_name"]})
    )
    found = []
    for number in range(draw(st.integers(1, 5))):
        quote = draw(st.fixed_dictionaries({}, optional=VALUES))
        for each in ("applicant_name", "zip_code", "state"):
            quote.pop(each, None)
        if not any(f"{line}.premium_annual" in quote for line in LINES):
            quote["home.premium_annual"] = draw(MONEY)
        found.append(quote | household | {"carrier": draw(CARRIER), "package_id": f"PK-{number}"})
    return found


def spelled(draw: Any, target: str, value: Any) -> Any:
    if isinstance(value, Decimal):
        return draw(st.sampled_from([f"{value}", f"${value:,.2f}", f"{value:,.2f} USD"]))
    if isinstance(value, dt.date):
        forms = ["%Y-%m-%d", "%m/%d/%Y", "%d-%b-%Y", "%b %d, %Y"]
        return value.strftime(draw(st.sampled_from(forms)))
    if target == "term_months":
        return draw(st.sampled_from(["{}", "{} months", "{} mo"])).format(value)
    return draw(st.sampled_from(["{}", " {} "])).format(value)


def expected(quote: dict[str, Any]) -> dict[str, Any]:
    return {
        target: day_end(value.isoformat()) if target == "expires_at" else value
        for target, value in quote.items()
    }


def read_back(raw: bytes) -> list[dict[str, Any]]:
    (sheet,) = read_sheets(raw, "quotes")
    table = read_table(sheet)
    assert [each for each in table.problems if "a year's premium" not in each.message] == []
    return [
        {"carrier": quote.carrier_name}
        | quote.insured
        | quote.columns
        | {
            f"{name}.{code}": value
            for name, line in quote.lines.items()
            for code, value in line.columns.items()
        }
        for quote in table.quotes
    ]


def csv_of(rows: list[list[str]], separator: str, encoding: str) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows(rows)
    return out.getvalue().encode(encoding)


def xlsx_of(rows: list[list[Any]]) -> bytes:
    out = io.BytesIO()
    with Workbook(out, {"in_memory": True, "default_date_format": "m/d/yyyy"}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            for index, value in enumerate(row):
                if isinstance(value, dt.date):
                    sheet.write_datetime(number, index, dt.datetime.combine(value, dt.time.min))
                elif value is not None:
                    sheet.write(number, index, value)
    return out.getvalue()


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_table_reads_back_the_same(data: st.DataObject) -> None:
    draw = data.draw
    quotes = draw(stated())
    targets = draw(st.permutations(sorted({target for quote in quotes for target in quote})))
    headings = [draw(st.sampled_from(HEADINGS[target])) for target in targets]
    title = [["Quotes gathered in March"]] if draw(st.booleans()) else []
    if draw(st.booleans()):
        rows: list[list[Any]] = [[quote.get(target) for target in targets] for quote in quotes]
        raw = xlsx_of([*title, headings, *rows])
    else:
        texts = [
            [spelled(draw, each, quote[each]) if each in quote else "" for each in targets]
            for quote in quotes
        ]
        separator = draw(st.sampled_from(",;\t"))
        encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
        raw = csv_of([*title, headings, *texts], separator, encoding)
    assert read_back(raw) == [expected(quote) for quote in quotes]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_row_a_line_reads_back_the_same(data: st.DataObject) -> None:
    quotes = data.draw(stated())
    words = {
        "home": ["Home", "HO-3", "Homeowners"],
        "auto": ["Auto", "Personal auto"],
        "umbrella": ["PUP", "Umbrella", "Excess liability"],
    }
    whole = ["carrier", "package_id", "applicant_name", "package_premium_annual", "term_months"]
    headings = [
        "Company",
        "Package id",
        "Insured",
        "Pkg premium",
        "Term",
        "LOB",
        "Premium",
        "Quote #",
    ]
    rows: list[list[Any]] = []
    wanted = []
    for quote in quotes:
        wanted.append({each: quote[each] for each in whole if each in quote})
        for line in LINES:
            premium = quote.get(f"{line}.premium_annual")
            if premium is None:
                continue
            own = {f"{line}.premium_annual": premium}
            if (reference := quote.get(f"{line}.quote_ref")) is not None:
                own[f"{line}.quote_ref"] = reference
            wanted[-1] |= own
            word = data.draw(st.sampled_from(words[line]))
            rows.append([*(quote.get(each) for each in whole), word, premium, reference])
    assert read_back(xlsx_of([headings, *rows])) == wanted


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_nothing_breaks_the_reader(raw: bytes) -> None:
    try:
        sheets = read_sheets(raw, "x")
    except Unreadable:
        return
    for sheet in sheets:
        read_table(sheet)
