"""Which keys of a document never leave the office, and which only look like it."""

from __future__ import annotations

import json

import pytest

from quotes.services import reading

REMOVED = (
    "ssn", "SSN", "ssn_number", "ssnNumber", "SSNumber", "ssn_last4", "ssnLast4", "last4_ssn",
    "applicant_ssn", "applicantSSN", "applicantSSNLast4", "spouse_ssn", "spousessn", "spouseSsn2",
    "applicantssnlast4", "S.S.N.", "ss_no", "ＳＳＮ", "social", "social_security",
    "social security number", "SocialSecurityNo", "social-security-#", "applicant_social",
    "sin", "sin_number", "itin", "applicant_itin", "itin_number", "taxId", "tax_id", "taxpayer_id",
    "taxpayerIdentificationNumber", "tax_number", "applicant_tax_id_number",
    "license", "licence", "license_number", "licenseNumber", "licenseNo", "license_no_2",
    "LICENSENUMBER", "licence_id", "driver_license", "drivers_license", "driver's_license",
    "driver’s license number", "driversLicense", "operator_license", "spouse_license",
    "drivers_lic_number", "driver_lic", "lic_no", "driverslic", "dl", "dl_number", "dlNumber",
    "DLNumber", "dl_no", "driver_dl", "dln", "driver_dln", "card_number", "creditCardNo",
    "debit_card_num", "account_no", "bankAccountNumber", "checking_account_number",
    "routing_number",
)  # fmt: skip
KEPT = (
    "years_licensed", "yearsLicensed", "licensed", "date_licensed", "date_first_licensed",
    "dateFirstLicensed", "license_plate", "license_plate_number", "licensePlateNumber",
    "license_state", "licenseState", "license_status", "license_type", "license_suspended",
    "has_drivers_license", "valid_drivers_license", "lic_state", "dl_state", "businessname",
    "business_name", "businessNumber", "business_number", "business_notes", "passion", "lessnoise",
    "classname", "class_number", "address_number", "address_no", "address_n", "accessnotes",
    "illnessNote", "crossnumber", "social_media", "social_security_income", "itinerary", "since",
    "single", "business", "tax_amount", "taxidermy_collection", "property_tax", "discount_number",
    "scorecard_number", "account", "account_manager", "accounting", "card", "policy_number",
    "quote_id", "vin", "public_protection_class", "public_number", "middle_name", "bundle_number",
    "handling_notes", "number_of_drivers",
)  # fmt: skip


@pytest.mark.parametrize("key", REMOVED)
def test_the_number_of_a_person_is_taken_out_and_listed(key: str) -> None:
    found = reading.read_document(json.dumps({"drivers": [{key: "123", "name": "Ada"}]}).encode())
    assert found.input["drivers"] == [{"name": "Ada"}]
    assert found.removed == [f"input.drivers.0.{key}".strip(".")]


@pytest.mark.parametrize("key", KEPT)
def test_what_only_looks_like_one_is_kept(key: str) -> None:
    found = reading.read_document(json.dumps({"drivers": [{key: "123"}]}).encode())
    assert found.input["drivers"] == [{key: "123"}]
    assert found.removed == []
