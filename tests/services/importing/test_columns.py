"""Headings as agencies write them, and the row they stand in."""

from __future__ import annotations

import pytest

from quotes.services.details import DETAILS
from quotes.services.importing.cells import Row, Sheet
from quotes.services.importing.columns import (
    TARGETS,
    find_heading,
    guess,
    heading_key,
    headings_of,
    is_table,
    positional,
    sensitive_headings,
)
from quotes.services.importing.sheets import pasted_sheet

MEANT = {
    "carrier": "Carrier; Company; Insurer; Carrier name; Insurance Co.; INSURANCE COMPANY; Market",
    "home.premium_annual": "Home premium; HO annual; HO3 Prem; Homeowners Premium ($); Home; "
    "homePremium; home_premium_annual; Premium - Home; Home total premium; HO-5 6 month premium; "
    "Homeowner's prem.; Annual home cost",
    "auto.premium_annual": "Auto annual; PAP premium; Auto 6-mo premium; Semi-annual auto premium; "
    "12 mo. premium - auto; Personal auto; Car insurance premium",
    "umbrella.premium_annual": "PUP; Umb prem; Excess liability; Personal umbrella premium; "
    "Umbrella policy premium",
    "package_premium_annual": "Pkg premium; Total premium; Package total; Total; Grand total; "
    "Combined annual premium; Bundle price",
    "home.quote_ref": "HO quote no.; Home quote #; Homeowners quote number; Home ref",
    "home.product_name": "Home product; HO plan; Home program name",
    "line.quote_ref": "Quote #; Quote number; Quote id",
    "package_id": "Package id; Pkg #; Package quote number",
    "expires_at": "Exp date; Quote expires; Good through; Valid until; Expiration; Expires on; "
    "Quote good thru; Last day to bind",
    "generated_at": "Date quoted; Quote date; Quoted on",
    "line.effective_date": "Eff date; Effective; Proposed effective date",
    "term_months": "Term (months); Term; Policy term; Months",
    "applicant_name": "Named insured; Client; Insured; Customer name; Applicant",
    "insured_id": "Client ID; Insured #",
    "street": "Address; Property address; Street; Home address; Client street address",
    "state": "State; ST; Risk state",
    "zip_code": "Zip; ZIP code; Postal code; Property zip",
    "home.coverage_a": "Dwelling; Cov A; Coverage A - Dwelling; Dwelling limit; Home Cov. A",
    "home.coverage_b": "Cov B; Other structures",
    "home.coverage_c": "Contents; Personal property; Cov C (contents)",
    "home.coverage_d": "Loss of use; ALE; Coverage D",
    "home.coverage_e": "Personal liability; Coverage E; Home liability",
    "home.coverage_f": "Coverage F; Home med pay",
    "home.deductibles": "Deductible; Home deductible; HO ded",
    "home.deductible_aop": "Deductible (AOP); AOP; All other perils deductible",
    "home.deductible_hurricane": "Hurricane ded; Hurr. deductible",
    "home.deductible_wind_hail": "W/H ded; Wind/Hail; Wind & hail deductible",
    "home.water_backup": "Water backup; Water back-up; Sewer backup",
    "home.ordinance_or_law": "Ord & law; O&L; Ordinance or law",
    "auto.liability": "BI limits; BI/PD; Bodily injury; Auto liability limits",
    "auto.bi_per_person": "Bodily injury per person; BI each person",
    "auto.property_damage": "PD; Property damage limit",
    "auto.combined_single_limit": "CSL; Combined single limit",
    "auto.um_uim": "UM/UIM; Uninsured motorist; UM limits",
    "auto.comprehensive": "Comp ded; OTC deductible; Comprehensive",
    "auto.collision": "Coll. deductible; Collision",
    "auto.medical_payments": "Auto med pay; Auto medical payments",
    "auto.towing": "Towing & labor; Roadside assistance",
    "umbrella.limit": "Umbrella limit; Umb. coverage; PUP limit",
    "umbrella.retention": "SIR; Self-insured retention; Umbrella deductible",
    "umbrella.required_auto": "Underlying auto; Umbrella required auto limits",
    "umbrella.required_coverage_e": "Required coverage E; Underlying home liability",
    "line": "Line; LOB; Line of business; Coverage type; Policy type",
    "": "Notes; Year; Vehicle year; Monthly premium; Current home premium; Expiring auto premium; "
    "Home premium last year; Policy #; Policy number; Policy expiration date; Market value; "
    "Bundle discount; Liability; #; Premium change; Home policy; Replacement cost; Umbrella amount",
}


@pytest.mark.parametrize(
    ("heading", "target"),
    [
        (heading.strip(), target)
        for target, headings in MEANT.items()
        for heading in headings.split(";")
    ],
)
def test_a_heading_is_known(heading: str, target: str) -> None:
    assert guess(heading) == target
    assert guess(heading.upper() if heading.islower() else heading.replace(" ", "  ")) == target


@pytest.mark.parametrize(
    ("group", "heading", "target"),
    [
        ("Home", "Premium", "home.premium_annual"),
        ("Homeowners (HO-3)", "Quote #", "home.quote_ref"),
        ("Umbrella", "Required auto", "umbrella.required_auto"),
        ("Umbrella", "Limit", "umbrella.limit"),
        ("Auto", "Limits", "auto.liability"),
        ("Auto", "Med pay", "auto.medical_payments"),
        ("Home", "Liability", "home.coverage_e"),
        ("Package", "Premium", "package_premium_annual"),
        # A group carried on over columns of another kind says nothing of them.
        ("Umbrella", "Package premium", "package_premium_annual"),
        ("Umbrella", "Expires", "expires_at"),
        ("Home", "Auto premium", "auto.premium_annual"),
        ("Auto", "Deductible", ""),
        ("Auto", "Coverage", ""),
        ("Expiring policies", "Home premium", ""),
        ("Current home", "Premium", ""),
    ],
)
def test_a_heading_under_a_merged_group(group: str, heading: str, target: str) -> None:
    assert guess(heading, group) == target


def test_every_target_is_known_by_its_code_and_its_label() -> None:
    for code, target in TARGETS.items():
        assert guess(code) == guess(target.label) == code


def test_every_detail_can_be_a_column() -> None:
    folded = {"term"}  # stated together with the premium
    for line, details in DETAILS.items():
        for detail in details:
            assert detail.code in folded or f"{line}.{detail.code}" in TARGETS


def test_title_rows_above_the_headings_are_skipped() -> None:
    sheet = pasted_sheet(
        "Home and auto quotes for Fable\n\nPrepared 3/1/2026\t\t\n"
        "Carrier\tHome\tAuto\nHarbor\t1\t2\n"
    )
    found = find_heading(sheet)
    assert found is not None
    assert sheet.rows[found.position].number == 4
    assert [heading.target for heading in headings_of(sheet)] == [
        "carrier",
        "home.premium_annual",
        "auto.premium_annual",
    ]


GROUPED = (
    "Insurer\tHome\t\t\tAuto\t\t\tExp\n\tPremium\tQuote id\tProduct\tPremium\tQuote id\tProduct\t\n"
)


@pytest.mark.parametrize("merged", [False, True])
def test_merged_group_cells_are_joined_with_what_stands_below(merged: bool) -> None:
    sheet = pasted_sheet(GROUPED + "Harbor\t1\tH\tx\t2\tA\ty\t3/28/2026\n")
    if merged:
        sheet.merged = [(1, 0, 2, 0), (1, 1, 1, 3), (1, 4, 1, 6), (1, 7, 2, 7)]
    assert [(heading.text, heading.target) for heading in headings_of(sheet)] == [
        ("Insurer", "carrier"),
        ("Home Premium", "home.premium_annual"),
        ("Home Quote id", "home.quote_ref"),
        ("Home Product", "home.product_name"),
        ("Auto Premium", "auto.premium_annual"),
        ("Auto Quote id", "auto.quote_ref"),
        ("Auto Product", "auto.product_name"),
        ("Exp", "expires_at"),
    ]


def test_what_others_say_changes_what_a_column_is() -> None:
    def targets(text: str) -> list[str]:
        return [heading.target for heading in headings_of(pasted_sheet(text + "\nx\t1\t2\t3"))]

    assert targets("Carrier\tHome\tPremium\tQuote #") == [
        "carrier",
        "home.premium_annual",
        "package_premium_annual",
        "package_id",
    ]
    assert targets("Carrier\tLine\tPremium\tQuote #") == [
        "carrier",
        "line",
        "line.premium_annual",
        "line.quote_ref",
    ]


class TestChoices:
    SHEET = "Carrier\tHome\tAgency rating\tNotes\nHarbor\t1\tA\tx\n"

    def chosen(self, **more: object) -> list[tuple[str, str]]:
        sheet = pasted_sheet(self.SHEET)
        return [(each.guess, each.target) for each in headings_of(sheet, **more)]  # type: ignore[arg-type]

    def test_a_remembered_choice_holds_over_the_guess(self) -> None:
        found = self.chosen(chosen={heading_key("agency  RATING"): "broker", "home": ""})
        assert found == [
            ("carrier", "carrier"),
            ("home.premium_annual", ""),
            ("", "broker"),
            ("", ""),
        ]

    def test_what_is_said_of_a_column_now_holds_over_both(self) -> None:
        found = self.chosen(chosen={"home": ""}, mapping={1: "auto.premium_annual", 3: "nonsense"})
        assert [target for _, target in found] == ["carrier", "auto.premium_annual", "", ""]


def test_sensitive_columns_are_named_and_never_shown() -> None:
    sheet = pasted_sheet(
        "Insured\tSSN\tDriver's License #\tCarrier\tHome\nAna\t123-45-6789\tD123\tHarbor\t1\n"
    )
    assert sensitive_headings(sheet) == ["SSN", "Driver's License #"]
    found = headings_of(sheet, mapping={1: "broker"})
    assert [heading.text for heading in found] == ["Insured", "Carrier", "Home"]
    assert "123-45-6789" not in str(found)


def test_a_sheet_without_headings_is_no_table() -> None:
    sheet = pasted_sheet("Harbor\t6480\nLarkspur\t5900\n")
    assert not is_table(sheet)
    assert headings_of(sheet) == []
    assert not is_table(pasted_sheet("Things\tto do\nCall\tHarbor\n"))
    assert is_table(pasted_sheet("Company\tPUP\nHarbor\t1\n"))


def test_a_column_nobody_knows_can_be_mapped_by_its_letter() -> None:
    sheet = Sheet("x", [Row(1, ["Carrier", None, "Home"]), Row(2, ["Harbor", 12, 6480])])
    found = headings_of(sheet)
    assert [(each.text, each.target, each.sample) for each in found] == [
        ("Carrier", "carrier", "Harbor"),
        ("Column B", "", "12"),
        ("Home", "home.premium_annual", "6480"),
    ]


def test_pasted_cells_without_headings_by_position() -> None:
    sheet = positional(
        pasted_sheet("Harbor\t6480\tH-1\tmore\n"),
        ["carrier", "home.premium_annual", "home.quote_ref"],
    )
    assert [each.target for each in headings_of(sheet)] == [
        "carrier",
        "home.premium_annual",
        "home.quote_ref",
    ]
    assert sheet.rows[1].number == 1
    assert sheet.width == 3
