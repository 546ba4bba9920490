"""The parts of pages that are drawn many times over: Jinja's templates, compiled to Python.

A page is Django's own template. Where it draws dozens of the same, that engine takes most of the
page's time, so what is drawn for each stands in `templates/jinja` (docs/decisions/0021). These
templates write with the same filters as all others.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cache
from typing import Any, cast
from uuid import UUID

from django.template import defaultfilters, engines
from django.template.backends.jinja2 import Jinja2
from django.template.library import Library
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from jinja2 import Environment, StrictUndefined, Template, nodes
from jinja2.compiler import CodeGenerator, Frame, optimizeconst
from markupsafe import Markup, escape
from markupsafe import _escape_inner as escaped  # type: ignore[attr-defined] # see `text`

from brokerportal.script_prefix import known_script_prefix, script_prefix
from quotes.models.prepared import stand_in
from quotes.templatetags import dashboard, decisions, portal, runs
from quotes.templatetags.portal import written

PARTS = "quotes/parts.html"
LIBRARIES: tuple[Library, ...] = (
    portal.register,
    runs.register,
    decisions.register,
    dashboard.register,
)


class _Generator(CodeGenerator):
    """Writes Python that does what it says, where Jinja's own asks at run time what is meant.

    The text of a value is written by `text` and not by `escape`, whose answer is a `Markup` made
    for nothing: it is joined to others at once, which takes longer than escaping it. `a.b` is an
    attribute and never a key, which is written `a["b"]`; what is called is given what it is called
    with, and no context (no function or filter of ours asks for one).
    """

    def _output_child_pre(self, node: Any, frame: Any, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape:
            super()._output_child_pre(node, frame, finalize)
        else:
            # Most values are strings: a call for each took as long as all escaping.
            self.write("(environment.escaped(_value) if type(_value := (")

    def _output_child_post(self, node: Any, frame: Any, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape:
            super()._output_child_post(node, frame, finalize)
        else:
            self.write(")) is str else environment.text(_value))")

    @optimizeconst
    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:
        self.visit(node.node, frame)
        self.write(f".{node.attr}")

    @optimizeconst
    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:
        self.visit(node.node, frame)
        self.write("[")
        self.visit(node.arg, frame)
        self.write("]")

    @optimizeconst
    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:
        self.write("environment.call(")
        self.visit(node.node, frame)
        self.signature(node, frame, {"caller": "caller"} if forward_caller else None)
        self.write(")")


def text(value: Any) -> str:
    """As `escape` writes it; a plain string of it."""
    kind = type(value)
    if kind is str:
        return escaped(value)
    if kind is int or kind is UUID:
        return str(value)  # digits, and nothing to escape
    return value if kind is Markup or kind is SafeString else escape(value)


def call(what: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return what(*args, **kwargs)


class _Environment(Environment):
    code_generator_class = _Generator
    text = staticmethod(text)
    escaped = staticmethod(escaped)
    call = staticmethod(call)


def environment(**options: Any) -> Environment:
    """The engine's environment. A name that is not there is an error, never an empty place."""
    made = _Environment(
        **{**options, "undefined": StrictUndefined}, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {
        "capfirst": defaultfilters.capfirst,
        "slugify": slugify,
        "date": written,
        "pluralize": defaultfilters.pluralize,
        "truncatechars": _cut,
        "linebreaksbr": defaultfilters.linebreaksbr,
    }
    for library in LIBRARIES:
        made.filters |= library.filters
    made.globals |= {"url": _url, "once": _once}
    return made


def drawn(name: str, values: dict[str, Any]) -> SafeString:
    """The template of that name with these values alone."""
    with known_script_prefix():
        return mark_safe(_template(name).render(values))  # noqa: S308 - escaped as it was drawn


def drawn_part(macro: str, values: dict[str, Any]) -> SafeString:
    """One of the macros that several pages share."""
    draw: Callable[..., str] = getattr(_template(PARTS).module, macro)
    return mark_safe(draw(**values))  # noqa: S308 - escaped as it was drawn


def _template(name: str) -> Template:
    return cast("Jinja2", engines["jinja"]).env.get_template(name)


def _cut(words: str, most: int) -> str:
    """As `truncatechars`, which takes longer to say that nothing is to be cut than to cut."""
    short = len(words) <= most and words.isascii()
    return words if short else defaultfilters.truncatechars(words, most)


def _once(kept: dict[Hashable, str], what: Hashable, draw: Callable[[Any], str]) -> str:
    """`draw` of what may stand in many rows of a page, drawn where it stands first. `kept` is the
    template's own, and gone with it."""
    if what not in kept:
        kept[what] = draw(what)
    return kept[what]


def _url(name: str, *args: object) -> str:
    """As `reverse`, which takes longer than drawing a row: each address is looked up once, and
    the keys of rows are put in their places."""
    address = _address(script_prefix(), name, tuple(map(type, args)))
    return reverse(name, args=args) if address is None else address.format(*args)


PLACES = {UUID, int}
"""Kinds of values whose stand-ins are found again in an address: it writes them as `str` does."""


@cache
def _address(prefix: str, name: str, kinds: tuple[type, ...]) -> str | None:
    """With places for values of these kinds; None where they are not found again in it."""
    if not PLACES.issuperset(kinds):
        return None
    stands = [stand_in(kind, number) for number, kind in enumerate(kinds)]
    address = reverse(name, args=stands).replace("{", "{{").replace("}", "}}")
    for number, stand in enumerate(stands):
        address = address.replace(str(stand), f"{{{number}}}")
    return address
