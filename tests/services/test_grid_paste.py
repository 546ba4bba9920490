"""A block pasted into the quote grid: which cells it fills."""

from __future__ import annotations

import pytest

from quotes.services.grid_paste import pasted_block

BY_PLACE = [
    ("carrier_name", "PURE\t$6,480\tq-1\tHome One\t5,160", [
        {"carrier_name": "PURE", "home-premium_annual": "$6,480", "home-quote_ref": "q-1",
         "home-product_name": "Home One", "auto-premium_annual": "5,160"}]),
    # Products named like a line of business make no heading of a quote.
    ("carrier_name", "PURE\t$6,480\tq-1\tHO-3\t5,160\t\tAuto\nFable\t2100", [
        {"carrier_name": "PURE", "home-premium_annual": "$6,480", "home-quote_ref": "q-1",
         "home-product_name": "HO-3", "auto-premium_annual": "5,160",
         "auto-product_name": "Auto"},
        {"carrier_name": "Fable", "home-premium_annual": "2100"}]),
    ("home-premium_annual", "6,480\n5,160\n", [
        {"home-premium_annual": "6,480"}, {"home-premium_annual": "5,160"}]),
    ("umbrella-product_name", "Excess\t12,500\t12\t3/28/2026\tbeyond the last", [
        {"umbrella-product_name": "Excess", "package_premium_annual": "12,500",
         "term_months": "12", "expires_on": "3/28/2026"}]),
    ("term_months", '12\t"3/28/\n2026"', [{"term_months": "12", "expires_on": "3/28/ 2026"}]),
    ("auto-premium_annual", "1\t\t\t2", [
        {"auto-premium_annual": "1", "umbrella-premium_annual": "2"}]),
    ("auto-premium_annual", "1\n\t\n3", [
        {"auto-premium_annual": "1"}, {}, {"auto-premium_annual": "3"}]),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "text", "rows"), BY_PLACE)
def test_without_headings_it_fills_to_the_right_and_down(cell, text, rows):
    block = pasted_block(text, cell)
    assert block.rows == rows
    assert not block.by_heading


BY_HEADING = [
    # A row a carrier, in any order of columns.
    ("Umb prem\tCompany\tHO annual\tGood through\n1,980\tPURE\t$6,480\t3/28/2026", [
        {"carrier_name": "PURE", "home-premium_annual": "6480",
         "umbrella-premium_annual": "1980", "expires_on": "3/28/2026"}]),
    # A row a line.
    ("Carrier\tLine\tPremium\tQuote #\nPURE\tHomeowners\t6480\th-1\nPURE\tAuto\t5160\ta-1", [
        {"carrier_name": "PURE", "home-premium_annual": "6480", "home-quote_ref": "h-1",
         "auto-premium_annual": "5160", "auto-quote_ref": "a-1"}]),
    # What cannot be read comes along, to be mended in its cell.
    ("Carrier\tHome premium\tAuto premium\nPURE\tsix grand\t5160", [
        {"carrier_name": "PURE", "home-premium_annual": "six grand",
         "auto-premium_annual": "5160"}]),
    ("Carrier\tAuto premium\nPURE\t2155 / 6 mo", [
        {"carrier_name": "PURE", "auto-premium_annual": "2155 / 6 mo"}]),
    # Not quoted is not stated, and a total is no carrier.
    ("Carrier\tHome premium\tAuto premium\nPURE\t6480\tdeclined\nTotal\t6480\t", [
        {"carrier_name": "PURE", "home-premium_annual": "6480"}]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "rows"), BY_HEADING)
@pytest.mark.parametrize("cell", ["carrier_name", "auto-quote_ref"])
def test_a_heading_row_says_where_its_columns_go(text, rows, cell):
    block = pasted_block(text, cell)
    assert block.rows == rows
    assert block.by_heading


def test_headings_without_a_carrier_fill_the_rows_that_are_there():
    block = pasted_block("Auto premium\tHome premium\n5,160\t6,480\n\t5,240", "carrier_name")
    assert block.rows == [
        {"auto-premium_annual": "5,160", "home-premium_annual": "6,480"},
        {"home-premium_annual": "5,240"},
    ]
    assert not block.by_heading


def test_columns_without_a_cell_are_named_and_sensitive_ones_never_read():
    block = pasted_block(
        "Carrier\tHome premium\tCov A\tSSN\nPURE\t6480\t1.2M\t123-45-6789", "carrier_name"
    )
    assert block.rows == [{"carrier_name": "PURE", "home-premium_annual": "6480"}]
    said = " ".join(block.notes)
    assert "Cov A" in said
    assert "SSN" in said
    assert "123-45" not in said


def test_more_than_200_rows_are_cut_and_said():
    block = pasted_block("\n".join(str(n) for n in range(300)), "home-premium_annual")
    assert len(block.rows) == 200
    assert "first 200 rows" in " ".join(block.notes)


def test_lines_of_old_macs():
    block = pasted_block("6,480\tq-1\r5,160\tq-2\r", "home-premium_annual")
    assert [row["home-quote_ref"] for row in block.rows] == ["q-1", "q-2"]


@pytest.mark.parametrize("heading", ["", "Carrier\tHome premium\n"])
def test_a_cell_of_any_length_is_left_to_the_grid_to_refuse(heading):
    block = pasted_block(f"{heading}{'x' * 140_000}\t6,480", "carrier_name")
    assert len(block.rows[-1]["carrier_name"]) == 140_000
    assert block.rows[-1]["home-premium_annual"] == "6,480"
