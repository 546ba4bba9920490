"""A line's limits and deductibles in a broker's few words; what is not stated is no blank."""

from __future__ import annotations

import pytest

from quotes.services.details import parse_detail
from quotes.services.short_terms import short_terms


@pytest.mark.parametrize(
    ("line", "texts", "said"),
    [
        (
            "home", {"form": "HO-5", "coverage_a": "650k", "deductibles": "2500"},
            "HO-5 · Cov A $650k · $2,500 AOP",
        ),
        (
            "home",
            {"form": "HO-3", "coverage_a": "1.25M", "deductibles": "1% AOP, 2% hurricane, EQ excl"},
            "HO-3 · Cov A $1.25M · 1% AOP · 2% hurricane, earthquake excluded",
        ),
        ("home", {"coverage_a": "650k"}, "form — · Cov A $650k · AOP —"),
        ("home", {"form": "HO-5", "deductibles": "2% hurricane"},
         "HO-5 · Cov A — · AOP — · 2% hurricane"),
        ("home", {"water_backup": "none"}, "—"),
        ("home", {}, "—"),
        (
            "auto", {"liability": "250/500/100", "comprehensive": "500", "collision": "500"},
            "250/500/100 · $500/$500",
        ),
        ("auto", {"liability": "500 CSL", "collision": "1000"}, "500 CSL · —/$1,000"),
        ("auto", {"liability": "100/300"}, "100/300 · comp/coll —"),
        ("auto", {"comprehensive": "0", "collision": "none"}, "liability — · $0/none"),
        (
            "auto",
            {"liability": "250/500/100", "comprehensive": "500, 250, 500",
             "collision": "none, 1000, none"},
            "250/500/100 · $250–$500/none–$1,000",
        ),
        ("umbrella", {"limit": "2M"}, "$2M"),
        ("umbrella", {"limit": "5M", "retention": "0"}, "$5M · $0 SIR"),
        ("umbrella", {"retention": "none"}, "limit — · no SIR"),
        ("umbrella", {"required_coverage_e": "300k"}, "—"),
        ("boat", {}, "—"),
    ],
)  # fmt: skip
def test_the_words_of_a_line(line, texts, said):
    details = {code: parse_detail(line, code, text) for code, text in texts.items()}
    assert short_terms(line, details).replace("\u00a0", " ") == said


def test_a_line_breaks_between_terms_only():
    details = {
        code: parse_detail("home", code, text)
        for code, text in {
            "form": "HO-5", "coverage_a": "650k", "deductibles": "2500, 2% named storm",
        }.items()
    }  # fmt: skip
    assert short_terms("home", details).split(" ") == [
        "HO-5\u00a0·",
        "Cov\u00a0A\u00a0$650k\u00a0·",
        "$2,500\u00a0AOP\u00a0·",
        "2%\u00a0named\u00a0storm",
    ]
