"""Logs: one line an event, as JSON in production, with the request's id and no personal data.

What may be logged is ids, states, counts and times: never a name, an address, a premium, a body
or a key. What a fault says of itself may hold any of these (the database names the values that it
refused), so in production a line has the kind of fault and where it came about, without its text.
The wire libraries' own loggers are kept at WARNING because they print addresses.
"""

from __future__ import annotations

import logging.config
import sys
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import structlog

SHORTEST_TEXT = 4
"""Characters of a fault's text from which on it is looked for in the line."""
DEEPEST = 30
TELL_TOO_MUCH = {
    "django-q": " - ",  # what a task failed with, text and all
    "django.request": ": /",  # the address, which anybody may have typed anything into
}
"""By logger, what the part of its messages begins with that is left out."""


def logging_dict(*, level: str, as_json: bool) -> dict[str, Any]:
    """The standard library's logging through structlog's, as `dictConfig` takes it."""
    render: list[Any] = (
        [without_texts, structlog.processors.JSONRenderer()]
        if as_json
        else [structlog.processors.format_exc_info, structlog.dev.ConsoleRenderer(colors=False)]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *render,
                ],
                "foreign_pre_chain": _shared(),
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
            "django.request": {"level": "ERROR"},
            "django-q": {"level": "WARNING", "handlers": ["stderr"], "propagate": False},
            "asyncio": {"level": "WARNING"},
        },
    }


def logging_config(*, level: str, as_json: bool) -> None:
    """Set up structlog and send the standard library's logging through it."""
    logging.config.dictConfig(logging_dict(level=level, as_json=as_json))
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    if as_json:
        logging.captureWarnings(True)
        sys.excepthook = _process_died


def without_texts(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A fault as its kinds and places, the outermost first; its text goes out of the line too."""
    fault = event.pop("exc_info", None)
    error = sys.exc_info()[1] if fault is True else fault[1] if isinstance(fault, tuple) else fault
    if isinstance(error, BaseException):
        event["fault"] = [_described(each) for each in _chain(error)]
        for each in _chain(error):
            if len(str(each)) >= SHORTEST_TEXT:
                event["event"] = str(event["event"]).replace(str(each), type(each).__name__)
    if ends := TELL_TOO_MUCH.get(str(event.get("logger"))):
        event["event"] = str(event["event"]).partition(ends)[0].partition("\n")[0]
    return event


def _shared() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in found:
        found.append(following)
        hidden = following.__suppress_context__
        following = following.__cause__ or (None if hidden else following.__context__)
    return found


def _described(error: BaseException) -> dict[str, Any]:
    kind = type(error)
    steps = traceback.extract_tb(error.__traceback__)[-DEEPEST:]
    return {
        "kind": f"{kind.__module__}.{kind.__qualname__}",
        "at": [f"{step.filename}:{step.lineno} {step.name}" for step in steps],
    }


def _process_died(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    structlog.get_logger(__name__).critical("process_died", exc_info=(kind, error, trace))
