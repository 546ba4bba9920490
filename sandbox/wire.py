"""JSON and replies as they travel: numbers stay decimals from the first byte to the last.

The standard library writes no ``Decimal``; a premium that passes through a binary float may come
back changed in the last cent. So bodies are read with ``Decimal`` and written by ``dumps``.
"""

import json
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

JSON_TYPE = "application/json"

TYPE_NAMES = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    Decimal: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}


class MalformedJson(ValueError):
    """The body is not one JSON text: its message says what is wrong, in the reader's words."""


@dataclass(frozen=True)
class Reply:
    """One HTTP answer, and what is to go wrong while it is sent.

    ``fault`` is ``""`` (none), ``"drop"`` (close the socket without a byte of answer),
    ``"truncate"`` (announce the whole body, send half of it, close) or ``"drip"`` (a few bytes at
    a time). ``delay`` is in seconds, before the first byte.
    """

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = ""
    delay: float = 0.0

    def but(self, **changes: Any) -> "Reply":
        """The same reply with some of its fields changed."""
        return replace(self, **changes)


def loads(data: bytes) -> Any:
    """Read one JSON text; fractions become ``Decimal``.

    Raises ``MalformedJson`` for anything else: bad UTF-8, a syntax error, ``NaN`` and
    ``Infinity`` (Python's reader takes them, RFC 8259 knows none), or nesting without end.
    """
    try:
        return json.loads(data.decode("utf-8"), parse_float=Decimal, parse_constant=_refuse)
    except UnicodeDecodeError:
        raise MalformedJson("the body is not UTF-8") from None
    except RecursionError:
        raise MalformedJson("the body is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise MalformedJson(
            f"the body is not JSON: {error.msg} at line {error.lineno} column {error.colno}"
        ) from None
    except (ValueError, ArithmeticError) as error:
        raise MalformedJson(f"the body is not JSON: {error}"[:200]) from None


def _refuse(literal: str) -> Any:
    raise MalformedJson(f"the body is not JSON: {literal} is not a number")


def dumps(value: Any) -> str:
    """Write JSON, ASCII only, with every ``Decimal`` as the number it is. No floats needed."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)}: {dumps(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(dumps(item) for item in value) + "]"
    return json.dumps(value, allow_nan=False)


def json_reply(status: int, value: Any, **headers: str) -> Reply:
    """A JSON reply; header names are given with underscores (``Retry_After="2"``)."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status, dumps(value).encode("ascii"), headers=named)


def error_reply(status: int, code: str, message: str, **headers: str) -> Reply:
    """The flat error envelope ``{"code", "message"}`` of the public pages."""
    return json_reply(status, {"code": code, "message": message}, **headers)
