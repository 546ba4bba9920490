"""Whatever a compiled template is given, it writes what Jinja itself would, which asks of each
value as it runs: no shorter way of ours leaves anything unescaped."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.template import engines
from django.utils.safestring import SafeString
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from brokerportal import compiled_templates
from quotes.models import Line
from tests.abuse.asking import every_address
from tests.abuse.hostile import PAYLOADS, hostile_world
from tests.access.rules import body_of
from tests.test_access import RULES
from tests.views.pages import signed_in


def ours() -> Environment:
    return engines["jinja"].env  # type: ignore[attr-defined,no-any-return]


def jinjas() -> Environment:
    """Jinja's own compiler, escaping as ever, with our templates, filters and functions."""
    made = Environment(
        autoescape=True,
        loader=ours().loader,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= ours().filters
    made.globals |= ours().globals
    return made


class Words(str):
    """Text of another kind, such as a translation or a choice's code."""


class Marked:
    def __init__(self, words: str) -> None:
        self.words = words

    def __html__(self) -> str:
        return f"<b>{Markup.escape(self.words)}</b>"


class Named:
    def __init__(self, words: str) -> None:
        self.words = words

    def __str__(self) -> str:
        return self.words


TEXTS = st.sampled_from(PAYLOADS) | st.text(alphabet="<>&\"'`= a\u202e\n{}%/", max_size=20)
VALUES = st.one_of(
    TEXTS,
    TEXTS.map(Words),
    TEXTS.map(Named),
    TEXTS.map(Marked),
    TEXTS.map(lambda text: Markup.escape(text)),
    TEXTS.map(lambda text: SafeString(f"<i>{Markup.escape(text)}</i>")),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
    st.uuids(),
    st.sampled_from([Line.HOME, Decimal("1.50"), UUID(int=7)]),
    st.lists(TEXTS, max_size=3),
    st.dictionaries(TEXTS, TEXTS, max_size=2),
)
SAID = (
    "{{ value }}",
    '<a title="{{ value }}" href="?{{ text }}">{{ value }}{{ text }}</a>',
    "{{ it.value }}{{ it.kept['value'] }}{{ it.say(value) }}{{ it.say(text)|upper }}",
    "{{ text|upper }}{{ text|lower|capfirst }}{{ text|truncatechars(7) }}{{ text|linebreaksbr }}",
    "{{ value|dash }}{{ text|line_label }}{{ text|slugify }}{{ texts|joined }}",
    "{{ texts|carriers_short }}{{ texts|lines_in_words }}{{ texts|join('; ') }}{{ texts|length }}",
    "{{ value ~ text }}{{ '<' ~ text }}{{ text ~ marked }}{{ text + text }}{{ '%s' % text }}",
    "{{ value or text }}{{ text if value else marked }}{{ [value, text] }}",
    "{% for each in texts %}<li>{{ loop.index }}{{ each }}{% else %}{{ text }}{% endfor %}",
    "{% macro part(it, more='<') %}<p>{{ it }}{{ more }}</p>{% endmacro %}"
    "{{ part(value) }}{{ part(text, more=text) }}{{ part(part(text)) }}",
    "{% macro around() %}<div>{{ caller() }}</div>{% endmacro %}"
    "{% call around() %}{{ text }}{{ value }}{% endcall %}",
    "{% set kept %}{{ text }}{{ value }}{% endset %}{{ kept }}{% set same = text %}{{ same }}",
    "{% with here = value, there = text %}{{ here }}{{ there }}{% endwith %}",
    "{% macro part(it) %}<p>{{ it }}</p>{% endmacro %}{% set kept = {} %}"
    "{% for each in texts + texts %}{{ once(kept, each, part) }}{% endfor %}",
    "{% filter upper %}{{ text }}{% endfilter %}{{ {'a': text} }}{{ (text, value)[0] }}",
    "{% if text %}{{ text[:3] }}{% elif value %}{{ value }}{% endif %}{{ text.strip() }}",
    "{{ marked }}{{ marked ~ text }}{{ marked|upper }}{{ marked + text }}{{ marked.join(texts) }}",
)


@pytest.fixture(scope="module")
def written() -> list[tuple[Any, Any]]:
    """Each source as we compile it, and as Jinja does."""
    theirs = jinjas()
    return [(ours().from_string(said), theirs.from_string(said)) for said in SAID]


@settings(deadline=None, max_examples=150)
@given(value=VALUES, text=TEXTS | TEXTS.map(Words), texts=st.lists(TEXTS, max_size=3))
def test_any_value_is_written_as_jinja_writes_it(
    written: list[tuple[Any, Any]], value: Any, text: str, texts: list[str]
) -> None:
    it = SimpleNamespace(value=value, kept={"value": value}, say=lambda words: words)
    for mine, theirs in written:
        values = {
            "value": value,
            "text": text,
            "texts": list(texts),
            "marked": Markup("<b>bold</b>"),
            "it": it,
        }
        assert mine.render(values) == theirs.render(values)


class Both:
    """A template of ours that is held against Jinja's own each time it is drawn."""

    def __init__(self, name: str, theirs: Environment, note: Callable[[str, str], None]) -> None:
        self.name, self.note = name, note
        self.mine, self.theirs = ours().get_template(name), theirs.get_template(name)
        self.module = self

    def render(self, values: dict[str, Any]) -> str:
        return self._alike(self.name, self.mine.render(values), self.theirs.render(values))

    def __getattr__(self, macro: str) -> Callable[..., str]:
        mine, theirs = (getattr(each.module, macro) for each in (self.mine, self.theirs))
        return lambda **values: self._alike(macro, mine(**values), theirs(**values))

    def _alike(self, name: str, mine: str, theirs: str) -> str:
        assert mine == theirs, name
        self.note(name, mine)
        return mine


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What was drawn last, by template or part, once Jinja's own was found to be the same."""
    seen: dict[str, str] = {}
    theirs = jinjas()
    monkeypatch.setattr(
        compiled_templates, "_template", lambda name: Both(name, theirs, seen.__setitem__)
    )
    return seen


DOWNLOADS = ("_csv", "_xlsx", "_pdf", "_download", "_template", "_packet", "access_review")


@pytest.mark.django_db
def test_every_page_of_attacks_is_written_as_jinja_writes_it(people, settings, tmp_path, drawn):
    """Every page there is while every text of the database is an attack."""
    world, _ = hostile_world(people, settings, tmp_path)
    other = {"run": world["rejected"], "second": world["failed"], "done": world["hostile_run"]}
    for who in ("broker", "manager"):
        browser = signed_in(people[who])
        for view in (world, {**world, **other}):
            for name, path in every_address(view).items():
                ours = name in RULES and RULES[name][0][who] == frozenset({200})
                if ours and not name.endswith(DOWNLOADS):
                    body_of(browser.get(path))
    attacked = {name for name, html in drawn.items() if "x-evil" in html}
    assert not [name for name, html in drawn.items() if "<x-evil" in html]
    assert len(drawn) > 15
    assert len(attacked) > len(drawn) / 2, "the texts are in what was drawn"
