"""How forms are drawn: with the compiled form of Django's own templates, where it ships one."""

from __future__ import annotations

from typing import Any

from django.forms.renderers import DjangoTemplates, Jinja2

COMPILED = "django/forms/"
"""Django ships these for both engines, with the same output. The admin's are for its own alone."""


class FormRenderer(DjangoTemplates):
    """A select draws two templates for each of its options; compiled ones take a fifth of it."""

    def __init__(self) -> None:
        self.compiled = Jinja2()

    def get_template(self, template_name: str) -> Any:
        if template_name.startswith(COMPILED):
            return self.compiled.get_template(template_name)
        return super().get_template(template_name)
