"""Which browser somebody signs in with, in words that they know it again by."""

from __future__ import annotations

import re

from allauth.account.adapter import get_adapter
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

BROWSERS = (
    ("Edge", re.compile(r"\bEdg(e|A|iOS)?/")),
    ("Opera", re.compile(r"\bOPR/")),
    ("Firefox", re.compile(r"\b(Firefox|FxiOS)/")),
    ("Chrome", re.compile(r"\b(Chrome|CriOS)/")),
    ("Safari", re.compile(r"\bSafari/")),
)
SYSTEMS = (
    ("iPhone", re.compile(r"\biPhone\b")),
    ("iPad", re.compile(r"\biPad\b")),
    ("Android", re.compile(r"\bAndroid\b")),
    ("Windows", re.compile(r"\bWindows\b")),
    ("Mac", re.compile(r"\bMacintosh\b")),
    ("ChromeOS", re.compile(r"\bCrOS\b")),
    ("Linux", re.compile(r"\bLinux\b")),
)
"""The first that fits: most browsers name others as well."""


def browser_of(agent: str) -> str:
    """ "Chrome on Windows"; "A browser" where it does not say."""
    name = next((name for name, form in BROWSERS if form.search(agent)), "A browser")
    system = next((system for system, form in SYSTEMS if form.search(agent)), "")
    return f"{name} on {system}" if system else name


def note_browser(request: HttpRequest) -> None:
    """Keep in the session which browser it is, and from which address it was opened."""
    request.session["browser"] = browser_of(request.headers.get("User-Agent", "")[:500])
    try:
        request.session["address"] = str(get_adapter().get_client_ip(request))
    except PermissionDenied:
        request.session["address"] = None  # nobody says where it comes from
