"""What differs between two JSON documents, in a broker's words.

Pure. Two values are the same where they say the same: 5980 and 5980.0, null and absent (both
are "not stated"). Lists of people and things are matched by their ids or names, not by place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from quotes.services.profile import label, words

Path = tuple[str, ...]
NOT_STATED = "—"
MOST_CHANGES = 300
IDS = (
    ("driver_id",), ("vehicle_id",), ("quote_id",), ("package_id",), ("id",), ("name",),
    ("full_name",), ("first_name", "last_name"), ("year", "make", "model"), ("line",),
)  # fmt: skip
"""By what an element of a list is known, surest first."""
SHOWN_AS = (("name",), ("full_name",), ("first_name", "last_name"), ("year", "make", "model"))


@dataclass(frozen=True)
class Change:
    """One place that says something else: where, and what it said and says. "—": not stated."""

    path: Path
    where: str
    before: str
    after: str


def changes_between(was: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Change, ...]:
    """What changed, in the later document's order; at most `MOST_CHANGES`."""
    found = []
    for change in _objects(was, now, (), ()):
        found.append(change)
        if len(found) == MOST_CHANGES:
            break
    return tuple(found)


def _objects(
    was: Mapping[str, Any], now: Mapping[str, Any], path: Path, named: Path
) -> Iterator[Change]:
    for key in [*now, *(key for key in was if key not in now)]:
        yield from _values(was.get(key), now.get(key), (*path, key), (*named, label(key)))


def _values(was: Any, now: Any, path: Path, named: Path) -> Iterator[Change]:
    if same(was, now):
        return
    if _is_object(was, now):
        yield from _objects(was or {}, now or {}, path, named)
    elif _is_list_of_objects(was, now):
        yield from _lists(was or [], now or [], path, named)
    else:
        yield Change(path, " › ".join(named), _written(path, was), _written(path, now))


def _lists(was: list[Any], now: list[Any], path: Path, named: Path) -> Iterator[Change]:
    before, after = _keyed(was), _keyed(now)
    for key in [*after, *(key for key in before if key not in after)]:
        old, new = before.get(key), after.get(key)
        shown = _shown(new if new is not None else old, key)
        if old is None or new is None:
            where = " › ".join((*named, shown))
            yield Change((*path, key), where, _whole(path, old), _whole(path, new))
        else:
            yield from _objects(old, new, (*path, key), (*named, shown))


def _keyed(values: list[Any]) -> dict[str, Mapping[str, Any]]:
    """The elements by what they are known by; by their place where that is nothing, or not one's
    alone."""
    found: dict[str, Mapping[str, Any]] = {}
    for index, value in enumerate(values):
        key = _known_by(value) or f"number {index + 1}"
        found[key if key not in found else f"{key} (number {index + 1})"] = value
    return found


def _known_by(value: Mapping[str, Any]) -> str:
    for keys in IDS:
        parts = [value.get(key) for key in keys]
        if all(isinstance(part, (str, int)) and part not in ("", None) for part in parts):
            return f"{keys[0]} " + " ".join(str(part) for part in parts)
    return ""


def _shown(value: Any, key: str) -> str:
    for keys in SHOWN_AS:
        parts = [str(value.get(each) or "") for each in keys] if isinstance(value, Mapping) else []
        if any(parts):
            return " ".join(part for part in parts if part)[:80]
    return key.partition(" ")[2][:80] or key[:80]


def _whole(path: Path, value: Mapping[str, Any] | None) -> str:
    return NOT_STATED if value is None else words(path[-1] if path else "", value) or "an empty one"


def _written(path: Path, value: Any) -> str:
    key = path[-1] if path else ""
    # Quotes say premium_annual where incumbents say annual_premium.
    return words("premium" if "premium" in key else key, value)


def same(was: Any, now: Any) -> bool:
    """Whether two JSON values say the same; "" and null and absent all say nothing."""
    if was in (None, "") and not isinstance(was, bool):
        return now is None or now == ""
    if isinstance(was, bool) or isinstance(now, bool):
        return was is now
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        return all(same(was.get(key), now.get(key)) for key in {*was, *now})
    if isinstance(was, list) and isinstance(now, list):
        return len(was) == len(now) and all(map(same, was, now))
    if isinstance(was, (int, Decimal)) and isinstance(now, (int, Decimal)):
        return was == now
    return type(was) is type(now) and bool(was == now)


def _is_object(was: Any, now: Any) -> bool:
    both = [each for each in (was, now) if each is not None]
    return bool(both) and all(isinstance(each, Mapping) for each in both)


def _is_list_of_objects(was: Any, now: Any) -> bool:
    both = [each for each in (was, now) if each is not None]
    return all(
        isinstance(each, list) and all(isinstance(item, Mapping) for item in each) for each in both
    ) and any(both)
