"""Templates that are compiled: they escape what they draw, and miss no name in silence."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django import forms
from django.template import Context, Template
from jinja2 import UndefinedError

from brokerportal.compiled_templates import drawn, drawn_part

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


def test_a_name_that_is_not_there_is_an_error():
    with pytest.raises(UndefinedError):
        drawn("quotes/run_list_rows.html", {})


def test_a_template_sees_only_what_it_is_given():
    page = Template('{% load drawn %}{% draw "quotes/run_list_rows.html" rows=rows %}')
    hidden = {"in_sandbox": True, "sees_others": True}
    fact = SimpleNamespace(fact=SimpleNamespace())
    assert page.render(Context({"rows": [], **hidden})).strip() == ""
    with pytest.raises(UndefinedError):
        page.render(Context({"rows": [fact], **hidden}))


def test_form_fields_are_escaped():
    class Form(forms.Form):
        name = forms.CharField(initial=HOSTILE)
        choice = forms.ChoiceField(choices=[(HOSTILE, HOSTILE)])

    html = f"{Form()['name']}{Form()['choice']}"
    assert "<script>" not in html
    assert html.count("&lt;script&gt;") == 3
