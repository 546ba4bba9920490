"""The stylesheets of every page: file by file while one works on them, in production as one."""

from __future__ import annotations

from django import template
from django.contrib.staticfiles.storage import staticfiles_storage
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

SHEETS = tuple(
    f"css/{name}.css"
    for name in (
        "tokens", "base", "layout", "components", "tables", "forms", "pages", "grid", "entry",
        "results", "side-by-side", "decisions", "what-if", "review", "dashboard", "print",
    )
)  # fmt: skip
"""In the order in which they are read."""
BUNDLE = "css/portal.css"
LINK = '<link rel="stylesheet" href="{}">'


@register.simple_tag
def stylesheets() -> SafeString:
    """A link to the one file that `collectstatic` made of them, else a link to each."""
    if getattr(staticfiles_storage, "bundles", False):
        return format_html(LINK, static(BUNDLE))
    return format_html_join("\n  ", LINK, ((static(name),) for name in SHEETS))
