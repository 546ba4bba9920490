"""Which keys of a document name what never leaves the office."""

from __future__ import annotations

import re
import unicodedata

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
SENSITIVE_TOGETHER = re.compile(
    r"^ssn|ssn(last|number|num|no|\d)|socialsecurity(?!income|benefit)|social(number|num|no)?$|"
    r"^sin(number|num|no)?$|itin(number|num|no|last)?\d*$|"
    r"taxid(?!erm)|taxpayerid|tax(payer)?(number|num|no)\d*$|"
    r"licen[cs]enumber|licen[cs]e(num|no|id)\d*$|"
    r"(^|drivers?|operators?|applicant|insured|spouse)licen[cs]e\d*$|"
    r"drivers?lic(number|num|no|id)?\d*$|dl(number|num|no)\d*$|"
    r"(?<!score)card(number|(num|no)\d*$)|account(number|(num|no)\d*$)|"
    r"routing(number|(num|no)\d*$)"
)
"""In a key's letters and digits alone: long words anywhere, what occurs in others at its ends."""
SENSITIVE_WORDS = re.compile(
    r"ssn(_|$)|(^|_)(itin|dln)(_|$)|(^|_)(dl|lic)(_(number|num|nbr|no|id))?(_\d+)?$"
)
"""In a key's words, joined by low lines: what is too short to be looked for inside a word."""
TELLS_NO_NUMBER = ("has_", "is_", "valid_")


def is_sensitive(key: str) -> bool:
    """Whether a key names what never leaves the office, however it is spelled.

    Numbers of social security, of a taxpayer, of a driver's licence, of a card or an account:
    Nexio is sent the minimum (NAIC model 668). What rates a driver stays, such as
    `years_licensed` and `license_state`.
    """
    plain = (
        unicodedata.normalize("NFKC", key)
        .replace("'", "")
        .replace("\N{RIGHT SINGLE QUOTATION MARK}", "")
    )
    words = "_".join(WORD.findall(plain)).lower()
    if words.startswith(TELLS_NO_NUMBER):
        return False
    together = words.replace("_", "")
    return bool(SENSITIVE_WORDS.search(words) or SENSITIVE_TOGETHER.search(together))
