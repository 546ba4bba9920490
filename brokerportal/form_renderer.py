"""How forms are drawn: with the compiled form of Django's own templates, where it ships one."""

from __future__ import annotations

from typing import Any

from django.forms.renderers import DjangoTemplates, Jinja2
from django.template import engines

COMPILED = "django/forms/"
"""Django ships these for both engines, with the same output. The admin's are for its own alone."""

OURS = {f"{COMPILED}widgets/select.html": "forms/select.html"}


class FormRenderer(DjangoTemplates):
    """A select of Django's draws two templates for each of its options; compiled ones take a fifth
    of it, and one that draws all of them itself half of that."""

    def __init__(self) -> None:
        self.compiled = Jinja2()

    def get_template(self, template_name: str) -> Any:
        if template_name in OURS:
            return engines["jinja"].get_template(OURS[template_name])
        if template_name.startswith(COMPILED):
            return self.compiled.get_template(template_name)
        return super().get_template(template_name)
