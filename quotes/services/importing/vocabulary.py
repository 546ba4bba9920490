"""The words of column headings, as agencies write them, and what they mean together.

A heading is taken apart into words, each spelling brought to one ("prem", "cost" → premium);
the words that name a line are set aside, and what remains must be known as a whole. So "HO3
Prem ($)" is the home premium, and "Home premium last year" is nothing we know.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator

from quotes.services.importing.phrases import ALONE, BY_SCOPE, LINE_FIELDS, SPELLINGS, WORD_GROUPS

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|#")
NOISE = frozenset(
    {
        "the",
        "of",
        "per",
        "for",
        "in",
        "on",
        "at",
        "by",
        "usd",
        "dollars",
        "insurance",
        "ins",
        "our",
        "and",
        "or",
        "s",
    }
)
SOFT_NOISE = frozenset({"amount", "limit", "coverage", "date"})
"""Words that may be left out as long as something remains."""
NOT_A_QUOTE = frozenset(
    {"current", "prior", "expiring", "incumbent", "existing", "renewal", "previous", "old"}
)
"""Columns of the policies in force stand beside quotes in many tables; they are never taken."""
LINE_SCOPES = ("home", "auto", "umbrella")
SCOPES = (*LINE_SCOPES, "package", "insured")
FORM_NUMBERS = frozenset("1234568")
LONGEST = 120


def words_of(text: str) -> list[str]:
    """The words of a heading in lower case, runs of letters and of digits apart."""
    plain = unicodedata.normalize("NFKC", text[:LONGEST]).replace("'", "").replace("\u2019", "")
    return [word.lower() for word in WORD.findall(plain)]


def heading_key(text: str) -> str:
    """What spellings of a heading have in common, for remembering a choice (≤ 200 characters)."""
    return " ".join(words_of(text)) or " ".join(text.split()).casefold()[:200]


def canonical(text: str) -> list[str]:
    """The words of a heading, every spelling and every fixed group of words brought to one."""
    words = [SPELLINGS.get(word, word) for word in words_of(text)]
    out: list[str] = []
    index = 0
    while index < len(words):
        for length in (4, 3, 2):
            found = WORD_GROUPS.get(tuple(words[index : index + length]))
            if found is not None and index + length <= len(words):
                out += found
                index += length
                break
        else:
            if not _is_form_number(words, index):
                out.append(words[index])
            index += 1
    return out


def _is_form_number(words: list[str], index: int) -> bool:
    """The 3 of "HO3 premium" says nothing more than "home" does; in "home 6 month" it would."""
    before = words[index - 1] if index else ""
    after = words[index + 1] if index + 1 < len(words) else ""
    return before == "home" and words[index] in FORM_NUMBERS and after != "month"


def _known(phrases: str) -> Iterator[frozenset[str]]:
    for phrase in phrases.split("|"):
        yield frozenset(canonical(phrase)) - NOISE


def _by_words(rules: dict[str, str]) -> dict[frozenset[str], str]:
    return {known: target for target, phrases in rules.items() for known in _known(phrases)}


ALONE_BY_WORDS = _by_words(ALONE)
FIELDS = {
    scope: _by_words(
        {f"{scope}.{code}": phrases for code, phrases in LINE_FIELDS.items()}
        if scope in LINE_SCOPES
        else {}
    )
    | _by_words(BY_SCOPE[scope])
    for scope in SCOPES
}


def scope_of(words: list[str]) -> frozenset[str]:
    """Which of home, auto, umbrella, package, insured the words of a heading speak of."""
    found = frozenset(words) & frozenset(SCOPES)
    if "total" in words:
        return found or frozenset({"package"})
    return found


def meaning(words: list[str]) -> str:
    """The target that the canonical words of a heading mean together; "" when unknown."""
    stated = frozenset(words) - NOISE
    if not stated or stated & NOT_A_QUOTE:
        return ""
    if found := _lookup(ALONE_BY_WORDS, stated):
        return found
    scopes = scope_of(words)
    for scope in SCOPES:
        # "Required auto" under "Umbrella" speaks of two lines and is still the umbrella's.
        if scope in scopes:
            found = _lookup(ALONE_BY_WORDS, stated - {scope})
            if found.startswith(f"{scope}."):
                return found
    if len(scopes) != 1:
        return ""
    (scope,) = scopes
    rest = stated - {scope, "total"}
    if not rest and scope == "package":
        return "package_premium_annual" if "total" in stated else ""
    return _lookup(FIELDS[scope], rest)


def _lookup(known: dict[frozenset[str], str], stated: frozenset[str]) -> str:
    found = known.get(stated)
    if found is None and "policy" in stated and not stated & {"id", "expires"}:
        # A policy's number and its expiration are not the quote's.
        stated -= {"policy"}
        found = known.get(stated) if stated else None
    if found is None and stated - SOFT_NOISE:
        found = known.get(stated - SOFT_NOISE)
    return found or ""


def months_meant(heading: str) -> int | None:
    """The months a premium's heading says it is for: 6, 12, 0 for the term's, None unsaid."""
    words = canonical(heading)
    if "semiannual" in words:
        return 6
    for number, unit in itertools.pairwise(words):
        if unit == "month" and number.isdigit() and 1 <= int(number) <= 36:
            return int(number)
    if "term" in words and "premium" in words:
        return 0
    return 12 if "annual" in words else None
