"""What spellings of a name or a street have in common. Pure: text in, a key out."""

from __future__ import annotations

import re
import unicodedata

BETWEEN_NAMES = frozenset({"and", "y", "e", "et", "und", "the", "mr", "mrs", "ms", "miss", "dr"})
"""Words of a name that name nobody. "Jr" and "Sr" do: they tell a son from his father."""
STREET_WORDS = {
    "street": "st", "str": "st", "avenue": "ave", "av": "ave", "road": "rd", "drive": "dr",
    "lane": "ln", "court": "ct", "boulevard": "blvd", "place": "pl", "circle": "cir",
    "terrace": "ter", "highway": "hwy", "parkway": "pkwy", "square": "sq", "trail": "trl",
    "north": "n", "south": "s", "east": "e", "west": "w", "northeast": "ne", "northwest": "nw",
    "southeast": "se", "southwest": "sw",
    "apartment": "unit", "apt": "unit", "suite": "unit", "ste": "unit", "no": "unit",
    "number": "unit", "#": "unit",
}  # fmt: skip
"""The Postal Service's own short forms (USPS Publication 28, appendices B and C); what a flat is
called is all the same."""
APOSTROPHES = re.compile(r"['’`]")
BETWEEN_WORDS = re.compile(r"[^\w#]+")


def folded(text: str) -> str:
    """Small letters without accents or punctuation: "José O'Neil-Díaz" → "jose oneil diaz"."""
    letters = text.casefold()
    if not letters.isascii():
        plain = unicodedata.normalize("NFKD", letters)
        letters = "".join(c for c in plain if not unicodedata.combining(c))
    return BETWEEN_WORDS.sub(" ", APOSTROPHES.sub("", letters)).strip()


def folded_name(name: str) -> frozenset[str]:
    """A name's words, whatever their order: "Luis Rivera and Ana" is "Ana & Luis Rivera"."""
    words = folded(name).replace("#", " ").split()
    return frozenset(word for word in words if word not in BETWEEN_NAMES) or frozenset(words)


def folded_street(street: str) -> str:
    """A street with the short forms of its words: "18 Cove Lane, Apt. 4" → "18 cove ln unit 4".

    Empty for what holds no number: a road alone is the address of many.
    """
    words = [STREET_WORDS.get(w, w) for w in folded(street).replace("#", " # ").split()]
    # "Apt #4" names the flat's kind twice.
    once = [w for i, w in enumerate(words) if not (w == "unit" and words[i - 1 : i] == ["unit"])]
    return " ".join(once) if any(c.isdigit() for c in street) and len(once) > 1 else ""
