"""Templates that are compiled: they escape what they draw, and miss no name in silence."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from html import unescape
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from django import forms
from django.forms.renderers import BaseRenderer, DjangoTemplates
from django.template import Context, Template, engines
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import mark_safe
from jinja2 import UndefinedError
from markupsafe import Markup, escape

from brokerportal.compiled_templates import drawn, drawn_part, environment, text
from brokerportal.form_renderer import FormRenderer
from quotes.models import Insured, Line
from quotes.templatetags.portal import written

HOSTILE = "<script>alert(1)</script>\"'"


def check(words: str) -> SimpleNamespace:
    return SimpleNamespace(words=words, closed=False, outcome="fine", details=[], compared="")


def test_what_is_drawn_is_escaped_wherever_it_stands():
    page = Template('{% load drawn %}{% draw_part "check_list" checks=checks %}')
    for html in (
        drawn_part("check_list", {"checks": [check(HOSTILE)]}),
        page.render(Context({"checks": [check(HOSTILE)]})),
    ):
        assert "<script>" not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;" in html
        assert "&amp;" not in html


class Marked:
    def __html__(self) -> str:
        return "<b>marked</b>"


@pytest.mark.parametrize(
    "value",
    [
        HOSTILE,
        "",
        Markup("<i>"),
        mark_safe("<i>"),
        Line.HOME,
        Marked(),
        Decimal("1.50"),
        7,
        -7,
        True,
        UUID(int=7),
        None,
    ],
)
def test_a_value_is_written_as_escape_writes_it(value):
    assert text(value) == str(escape(value))
    engine = engines["jinja"]
    drawn_alone = engine.from_string("{{ value }}|{{ value|upper }}").render({"value": value})
    assert drawn_alone.partition("|")[0] == str(escape(value))


def test_what_is_escaped_is_not_escaped_again():
    source = (
        "{% macro part(value) %}<p>{{ value }}</p>{% endmacro %}"
        "{% set kept %}{{ part(value) }}{% endset %}{{ kept }}{{ part(value|e) }}"
    )
    html = engines["jinja"].from_string(source).render({"value": "<&>"})
    assert html == "<p>&lt;&amp;&gt;</p>" * 2


def test_a_name_that_is_not_there_is_an_error():
    with pytest.raises(UndefinedError):
        drawn("quotes/run_list_rows.html", {})


def test_a_template_sees_only_what_it_is_given():
    page = Template('{% load drawn %}{% draw "quotes/insured_list_rows.html" rows=rows %}')
    hidden = {"all_brokers": True, "own_pk": 1}
    assert page.render(Context({"rows": [], **hidden})).strip() == ""
    with pytest.raises(UndefinedError, match="all_brokers"):
        page.render(Context({"rows": [{"insured": Insured()}], **hidden}))


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ("{{ it.nothing }}", AttributeError),
        ("{{ it.known.nothing }}", AttributeError),
        ("{{ it.known['nothing'] }}", KeyError),
        ("{{ it.known.key }}", AttributeError),
        ("{% if it.nothing %}{% endif %}", AttributeError),
        ("{{ it['known'] }}", TypeError),
        ("{{ nothing }}", UndefinedError),
        ("{{ nothing.at_all }}", UndefinedError),
    ],
)
def test_what_is_not_there_is_an_error(said, missing):
    """An attribute is an attribute and a key is a key: neither stands in for the other."""
    it = SimpleNamespace(known={"key": "value"})
    with pytest.raises(missing):
        environment().from_string(said).render({"it": it})


def test_a_call_takes_what_it_is_given():
    said = """
        {%- macro framed(words, mark="-") %}{{ mark }}{{ words }}{% endmacro %}
        {%- macro around() %}[{{ caller() }}]{% endmacro %}
        {{- framed("<a>") }} {{ framed("b", mark="*") }} {{ it.of(2, by=3) }} {{ it.known["key"] }}
        {%- for each in [1, 2] %} {{ loop.index }}{{ framed(each) }}{% endfor %}
        {%- call around() %}inside{% endcall %}"""
    it = SimpleNamespace(known={"key": "<v>"}, of=lambda number, by: number * by)
    html = environment(autoescape=True).from_string(said).render({"it": it})
    assert html == "-&lt;a&gt; *b 6 &lt;v&gt; 1-1 2-2[inside]"


def test_form_fields_are_escaped():
    class Form(forms.Form):
        name = forms.CharField(initial=HOSTILE)
        choice = forms.ChoiceField(choices=[(HOSTILE, HOSTILE)])

    html = f"{Form()['name']}{Form()['choice']}"
    assert "<script>" not in html
    assert html.count("&lt;script&gt;") == 3


MOMENTS = [
    datetime(2026, 11, 1, hour, minute, tzinfo=UTC) for hour in range(24) for minute in (0, 9, 59)
]


@pytest.mark.parametrize(
    "form",
    ["M j, Y", "M j, g:i A", "g:i:s A", "M j, ", "Ymd", "D, M j", "l, F j", "c", "\\M j", ""],
)
def test_dates_are_written_as_by_djangos_own_filter(form):
    days = [date(year, month, 7) for year in (999, 2026) for month in range(1, 13)]
    for value in [*MOMENTS, *(days if "g" not in form and form != "c" else [])]:
        theirs = Template("{{ value|date:form }}").render(Context({"value": value, "form": form}))
        assert written(value, form) == theirs


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("quotes:worklist", ()),
        ("quotes:run_detail", (uuid4(),)),
        ("quotes:run_against", (uuid4(), uuid4())),
        ("quotes:run_choose", (uuid4(), 17)),
        ("quotes:import_template", ("csv",)),
        ("quotes:run_record", (uuid4(), "shown")),
    ],
)
def test_addresses_are_those_that_django_gives(name, args):
    environment = engines["jinja"].env  # type: ignore[attr-defined]
    page = environment.from_string("{{ url(name, *args) }}")
    for each in (args, tuple(uuid4() if isinstance(arg, UUID) else arg for arg in args)):
        assert page.render(name=name, args=each) == reverse(name, args=each)


def test_an_address_that_is_not_there_is_an_error():
    with pytest.raises(NoReverseMatch):
        engines["jinja"].env.from_string(  # type: ignore[attr-defined]
            "{{ url('quotes:run_detail') }}"
        ).render()


def test_a_select_is_drawn_as_django_draws_it():
    class Form(forms.Form):
        plain = forms.ChoiceField(
            choices=[("", "Any"), ("a", "A & B"), (2, "Two"), ("<x>", HOSTILE)], initial=2
        )
        grouped = forms.ChoiceField(
            choices=[("Some", [("a", "A"), ("b", "B")]), ("Others", [("c", "C")]), ("d", "D")],
            initial="c",
            widget=forms.Select(attrs={"data-x": HOSTILE, "disabled": True, "hidden": False}),
        )
        several = forms.MultipleChoiceField(choices=[("a", "A"), ("b", "B")], initial=["a", "b"])

    def drawn_by(renderer: BaseRenderer) -> list[str]:
        # The two engines write the same quotation marks by other entities.
        return [" ".join(unescape(str(field)).split()) for field in Form(renderer=renderer)]

    assert drawn_by(FormRenderer()) == drawn_by(DjangoTemplates())


class PremiumForm(forms.Form):
    premium = forms.CharField(label=f"Premium {HOSTILE}", help_text="A year's.", required=False)


def test_djangos_pages_draw_a_field_as_compiled_ones_do():
    field = PremiumForm({"premium": HOSTILE})["premium"]
    field.form.add_error("premium", f"Not {HOSTILE}.")
    how = {"field": field, "css": "field--2", "affix": "$", "suffix": "a year"}
    page = render_to_string("quotes/partials/field.html", how)
    assert page.strip() == drawn_part("field", how).strip()
    assert '<div class="field field--2 field--error">' in page
    assert '<span class="field__optional">optional</span>' in page
    assert page.index(">$</span>") < page.index("<input") < page.index(">a year</span>")
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 3
    assert "<script>" not in page
    plain = render_to_string("quotes/partials/field.html", {"field": field, "need": True})
    assert "optional" not in plain
    assert "input-group" not in plain
    assert '<div class="field field--error">' in plain
