"""What Jinja's templates draw, in a page of Django's own (see `brokerportal.compiled_templates`).

Each is given the values it names, and sees nothing else of the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.safestring import SafeString

from brokerportal import compiled_templates

register = template.Library()


@register.simple_tag
def draw(name: str, shown: Mapping[str, Any] | None = None, **values: Any) -> SafeString:
    """A whole template, such as the rows of a list; `shown` are values put together by the view."""
    return compiled_templates.drawn(name, {**(shown or {}), **values})


@register.simple_tag
def draw_part(macro: str, **values: Any) -> SafeString:
    """A part that several pages draw alike."""
    return compiled_templates.drawn_part(macro, values)
