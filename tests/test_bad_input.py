"""What `compare` refuses: exit 2, a message naming the field and the remedy, nothing saved."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from quotes.services.reading import MOST_BYTES
from tests.factories import EXAMPLES

pytestmark = pytest.mark.django_db


def good() -> dict[str, Any]:
    """A whole body with everything in it that is checked."""
    return {
        "input": {
            "coverage_types": ["home"],
            "address": {"state": "CO", "zip_code": "80302", "city": "Boulder"},
            "applicant": {"name": "Hollis Thornbury"},
            "drivers": [{"name": "Hollis"}],
            "vehicles_detail": [{"year": 2021}],
            "current_coverage": {"home": {"carrier": "Foothill", "annual_premium": 1}},
            "premium": 100,
            "quotes": [
                {
                    "package_id": "p1", "carrier": "Larkspur Mutual", "term_months": 12,
                    "package_premium_annual": 1000,
                    "home": {"quote_id": "q1", "premium_annual": 1000, "product_name": "Select"},
                }
            ],
        },
        "offerings": [
            {
                "id": "o1", "provider_name": "Larkspur Mutual", "category": "home",
                "coverage": {"product_name": "Select", "program_type": "quoted_line"},
                "attributes": {
                    "quote_id": "q1", "package_id": "p1", "line_premium_annual": 1000,
                    "package_premium_annual": 1000, "term_months": 12,
                },
            }
        ],
    }  # fmt: skip


def with_value(path: str, value: Any) -> dict[str, Any]:
    """The good body with ``value`` at ``path``; `...` takes the key out."""
    body: Any = good()
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    inner = body
    for step in steps:
        inner = inner[step]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return dict(body)


def rows() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in apps.get_models()}


@pytest.fixture
def refuse(tmp_path: Path) -> Callable[..., str]:
    """Run `compare` on this content, which must be refused; returns the message."""

    def run(content: Any, *options: str) -> str:
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        path = tmp_path / "document.json"
        path.write_bytes(raw)
        before = rows()
        out = StringIO()
        with pytest.raises(CommandError) as refused:
            call_command("compare", str(path), *options, stdout=out, stderr=StringIO())
        assert refused.value.returncode == 2
        assert rows() == before
        assert out.getvalue() == ""
        return str(refused.value)

    return run


ABSURD = [-1, -0.01, 10_000_000, 1e300, 12.345, "6480", True, [], {}]
PREMIUMS = [
    "input.quotes.0.home.premium_annual",
    "input.quotes.0.package_premium_annual",
    "input.current_coverage.home.annual_premium",
    "input.premium",
    "offerings.0.attributes.line_premium_annual",
    "offerings.0.attributes.package_premium_annual",
]


@pytest.mark.parametrize("path", PREMIUMS)
def test_premium_that_cannot_be_names_the_field(refuse: Callable[..., str], path: str) -> None:
    for value in ABSURD:
        message = refuse(with_value(path, value))
        assert message.startswith(f"{path}: "), (value, message)
        assert any(word in message for word in ("must", "cannot be right")), message


WRONG: list[tuple[str, Any, str]] = [
    ("input", [], "must be an object"),
    ("input", "x", "must be an object"),
    ("input.coverage_types", "home", "must be a list"),
    ("input.coverage_types", ["boat"], "must be home, auto or umbrella"),
    ("input.coverage_types", ["Home"], "must be home, auto or umbrella"),
    ("input.coverage_types", [7], "must be home, auto or umbrella"),
    ("input.coverage_types", ["home", "home"], "twice"),
    ("input.coverage_types", [], "is required"),
    ("input.coverage_types", None, "is required"),
    ("input.coverage_types", ..., "is required"),
    ("input.address", [], "must be an object"),
    ("input.address.state", "XX", "two-letter state"),
    ("input.address.state", "", "two-letter state"),
    ("input.address.state", 5, "two-letter state"),
    ("input.address.state", "California", "two-letter state"),
    ("input.address.state", ..., "is required"),
    ("input.address.zip_code", ..., "is required"),
    ("input.address.zip_code", 80302, "text"),
    ("input.address.zip_code", "8030", "five digits"),
    ("input.address.zip_code", "٨٠٣٠٢", "five digits"),
    ("input.address.city", 5, "text"),
    ("input.applicant", "Hollis", "must be an object"),
    ("input.drivers", {}, "must be a list"),
    ("input.drivers", ["Hollis"], "must be an object"),
    ("input.vehicles_detail", [2], "must be an object"),
    ("input.residence", [], "must be an object"),
    ("input.insurance_history", "none", "must be an object"),
    ("input.current_coverage", [], "must be an object"),
    ("input.current_coverage.home", "Foothill", "must be an object"),
    ("input.current_coverage.home.carrier", 5, "text"),
    ("input.quotes", {}, "must be a list"),
    ("input.quotes", [None], "must be an object"),
    ("input.quotes.0.carrier", ..., "required"),
    ("input.quotes.0.carrier", " ", "carrier's name"),
    ("input.quotes.0.carrier", "x" * 121, "120"),
    ("input.quotes.0.package_id", ["p"], "text"),
    ("input.quotes.0.package_id", "x" * 121, "120"),
    ("input.quotes.0.term_months", 0, "1 to 36"),
    ("input.quotes.0.term_months", 1.5, "1 to 36"),
    ("input.quotes.0.home", "yes", "must be an object"),
    ("input.quotes.0.home.quote_id", {}, "text"),
    ("input.quotes.0.home.product_name", 5, "text"),
    ("offerings", {}, "must be a list"),
    ("offerings", [7], "must be an object"),
    ("offerings.0.id", 1.5, "text"),
    ("offerings.0.provider_name", ..., "required"),
    ("offerings.0.provider_name", None, "carrier's name"),
    ("offerings.0.category", "boat", "must be home, auto or umbrella"),
    ("offerings.0.category", ..., "required"),
    ("offerings.0.coverage", "HO-3", "must be an object"),
    ("offerings.0.coverage.product_name", 5, "text"),
    ("offerings.0.attributes", ..., "required"),
    ("offerings.0.attributes.line_premium_annual", ..., "required"),
    ("offerings.0.attributes.line_premium_annual", None, "required"),
    ("offerings.0.attributes.quote_id", True, "text"),
    ("offerings.0.attributes.term_months", "12", "1 to 36"),
]


@pytest.mark.parametrize(("path", "value", "remedy"), WRONG, ids=lambda value: repr(value)[:40])
def test_wrong_value_names_field_and_remedy(
    refuse: Callable[..., str], path: str, value: Any, remedy: str
) -> None:
    message = refuse(with_value(path, value))
    assert message.startswith(path), message
    assert remedy in message


def test_every_mistake_is_named_at_once(refuse: Callable[..., str]) -> None:
    body = with_value("input.address.state", "XX")
    body["offerings"][0]["attributes"]["line_premium_annual"] = -5
    assert [line.split(":")[0] for line in refuse(body).splitlines()] == [
        "input.address.state",
        "offerings.0.attributes.line_premium_annual",
    ]


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (b"", "is not JSON"),
        (b"{", "line 1"),
        (b'{"input": {}}}', "is not JSON"),
        (b"[]", "JSON object"),
        (b"null", "JSON object"),
        (b'"input"', "JSON object"),
        (b"\xff\xfe{}", "UTF-8"),
        (b'{"a": "\xe9"}', "UTF-8"),
        (b'{"a": NaN}', "NaN is not a number"),
        (b'{"a": [-Infinity]}', "-Infinity is not a number"),
        (b'{"a": 1, "a": 2}', '"a" stands twice'),
        (b'{"a": 1e99999999999999999999}', "number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "file"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 900 + b"1" + b"}" * 900, "nested too deeply"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, "nested too deeply"),
        (b'{"premium": 1e999}', "input.premium"),
        (b'{"premium": 1e-999999}', "exact to the cent"),
    ],
    ids=range(18),
)
def test_file_that_is_no_document(refuse: Callable[..., str], raw: bytes, named: str) -> None:
    assert named in refuse(raw)


@pytest.mark.parametrize("text", ["\x00", "half \ud83d", "\udc00"])
@pytest.mark.parametrize("path", ["input.applicant.name", "input.later", "offerings.0.id"])
def test_text_no_database_can_hold(refuse: Callable[..., str], path: str, text: str) -> None:
    message = refuse(with_value(path, text))
    assert path in message
    assert "not text" in message


def test_key_no_database_can_hold(refuse: Callable[..., str]) -> None:
    assert "not text" in refuse(with_value("input.a\x00b", 1))


def test_offering_or_package_that_stands_twice(refuse: Callable[..., str]) -> None:
    body = good()
    body["offerings"].append(body["offerings"][0])
    assert "offerings.1.id: stands twice" in refuse(body)
    body = good()
    body["input"]["quotes"].append(body["input"]["quotes"][0] | {"package_id": "p1 "})
    assert "input.quotes.1.package_id" in refuse(body)


@pytest.mark.parametrize("as_body", [True, False])
def test_coverage_type_without_any_offering(refuse: Callable[..., str], as_body: bool) -> None:
    body = with_value("input.coverage_types", ["home", "umbrella"])
    message = refuse(body if as_body else body["input"])
    assert "no carrier quotes umbrella" in message
    assert "compare without umbrella" in message


def test_coverage_type_quoted_but_not_among_the_offerings(refuse: Callable[..., str]) -> None:
    body = with_value("input.coverage_types", ["home", "auto"])
    body["input"]["quotes"][0]["auto"] = {"quote_id": "q2", "premium_annual": 5}
    assert "auto" in refuse(body)


def test_requested_line_without_a_premium(refuse: Callable[..., str]) -> None:
    body = with_value("input.quotes.0.home.premium_annual", None)
    assert "no home quote has a premium yet" in refuse(body["input"])


def test_no_quotes_at_all(refuse: Callable[..., str]) -> None:
    for path in ("input.quotes",):
        value = with_value(path, [])["input"]
        assert "no carrier quotes home" in refuse(value)
    assert "is required" in refuse({})


def test_file_over_the_cap(refuse: Callable[..., str]) -> None:
    padded = json.dumps(good()).encode() + b" " * MOST_BYTES
    assert "larger than 5 MB" in refuse(padded)


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(CommandError) as refused:
            call_command("compare", str(path))
        assert refused.value.returncode == 2
        assert str(path) in str(refused.value)


@pytest.mark.parametrize(
    "options", [("--owner", "nobody"), ("--timeout", "0"), ("--timeout", "nan")]
)
def test_option_that_cannot_be(options: tuple[str, ...]) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("compare", str(EXAMPLES / "home_only.json"), *options)
    assert refused.value.returncode == 2
    assert options[0] in str(refused.value)


@pytest.mark.parametrize("given", ["7", "not-an-id", "00000000-0000-0000-0000-000000000000"])
def test_show_run_of_no_run(given: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("show_run", given)
    assert refused.value.returncode == 2
