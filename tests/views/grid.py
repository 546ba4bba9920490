"""What tests of the quote grid share: cells sent as the page's script sends them."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client
from django.urls import reverse

from quotes.models import Insured, Quote
from tests.views.pages import form_values


def url(insured: Insured, name: str = "grid") -> str:
    return reverse(f"quotes:{name}", args=[insured.pk])


def post(client: Client, insured: Insured, *rows: dict[str, Any]) -> Any:
    return client.post(url(insured), json.dumps({"rows": rows}), content_type="application/json")


def row(pk: Any, cells: dict[str, Any], *, new: bool = False) -> dict[str, Any]:
    """Cells as value or (value, was…)."""
    shaped = {}
    for name, cell in cells.items():
        value, *was = cell if isinstance(cell, tuple) else (cell, "")
        shaped[name] = {"value": value, "was": was}
    return {"id": str(pk), "new": new, "cells": shaped}


def save(client: Client, insured: Insured, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    answer = post(client, insured, *rows)
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["rows"]
    return found


def outcomes(answer: dict[str, Any]) -> dict[str, str]:
    return {name: cell["outcome"] for name, cell in answer["cells"].items()}


def cell_now(client: Client, insured: Insured, quote: Quote, cell: str) -> str:
    """A cell as the page draws it."""
    page = client.get(reverse("quotes:insured_detail", args=[insured.pk])).content.decode()
    return str(form_values(page)[f"c-{quote.pk}-{cell}"])
