"""The app."""

VERSION = "0.1.0"
"""As in pyproject.toml: workers say it, so that one left behind by an update is noticed."""
