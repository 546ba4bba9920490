"""Whose quotes a table states: its rows grouped by household, and each known again or new."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from quotes.models import Insured, User
from quotes.services import intake
from quotes.services.importing.preview import label
from quotes.services.importing.stated import Problem, StatedQuote

PLACE = ("state", "zip_code")
COLUMNS = ("applicant_name", "street", "city", "state", "zip_code")
NO_NAME = (
    "names no insured. Open the import from the insured's own page, or add a column with the name"
)


class Known(NamedTuple):
    """What is stored of a household, as far as it tells households apart."""

    pk: UUID
    identity_key: str
    applicant_name: str
    street: str
    city: str
    state: str
    zip_code: str
    renewal_of_id: UUID | None

    @property
    def place(self) -> str:
        tail = " ".join(part for part in (self.state, self.zip_code) if part)
        return ", ".join(part for part in (self.city, tail) if part) or "place not stated"


@dataclass
class Household:
    """One household of the import: what the rows state of it, and their quotes.

    `pk` is the stored insured's; None for a new one. `stated_in` holds, by column, the quote of
    whose row the value is.
    """

    pk: UUID | None = None
    own_id: str = ""
    columns: dict[str, Any] = field(default_factory=dict)
    stated_in: dict[str, StatedQuote] = field(default_factory=dict)
    quotes: list[StatedQuote] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.columns.get("applicant_name", ""))


def plain(value: Any) -> str:
    """What spellings of a name, a street or a city have in common."""
    return " ".join(str(value or "").casefold().split())


def known_households(owner: User) -> list[Known]:
    """All the broker's households and those shared with them, in one query and as plain rows.

    Names are compared without case and accents kept, which no two databases do alike; and ten
    thousand such rows are read in a tenth of a second. Of two with one key, which two brokers
    may each have, the broker's own is meant, else the one that is older.
    """
    rows = Insured.objects.recognised_for(owner).order_by("created_at", "id")
    found = [
        (mine == owner.pk, Known(*row)) for mine, *row in rows.values_list("owner", *Known._fields)
    ]
    own = {known.identity_key for is_own, known in found if is_own}
    met: set[str] = set()
    households = []
    for is_own, known in found:
        key = known.identity_key
        if not key or is_own or (key not in own and key not in met):
            households.append(known)
            met.add(key)
    return households


def grouped(
    stated: Sequence[StatedQuote], known: Sequence[Known], target: Insured | None
) -> tuple[list[Household], list[Problem]]:
    """The households of the stated quotes in their order, each with its stored insured if any.

    Rows that name no insured belong to `target`. A name that fits several households of the
    broker, and rows that contradict each other about one household, are problems.
    """
    problems: list[Problem] = []
    homes = _Homes(known, target)
    placed: dict[int, Household] = {}
    # Rows that say all first: then one with the name alone finds the household it can only mean.
    for quote in sorted(stated, key=lambda each: -_certainty(each)):
        home = homes.of(quote, problems)
        if home is not None:
            placed[id(quote)] = home
    households: dict[int, Household] = {}
    for quote in stated:
        home = placed.get(id(quote))
        if home is not None:
            households.setdefault(id(home), home).quotes.append(quote)
            problems += _take_in(home, quote)
    return list(households.values()), _told_once(problems)


def _certainty(quote: StatedQuote) -> int:
    stated = quote.insured
    if stated.get("insured_id"):
        return 2
    return 1 if all(stated.get(each) for each in PLACE) else 0


class _Homes:
    """The households met so far, and the broker's own by key and by name."""

    def __init__(self, known: Sequence[Known], target: Insured | None) -> None:
        renewed = {each.renewal_of_id for each in known if each.renewal_of_id}
        # A household that was renewed goes on as its renewal; an older one keeps what it has.
        current = [each for each in known if each.pk not in renewed]
        self.by_key = {each.identity_key: each for each in known if each.identity_key}
        self.by_name: dict[str, list[Known]] = {}
        for each in current:
            self.by_name.setdefault(plain(each.applicant_name), []).append(each)
        self.target = target
        self.of_target = Household(pk=target.pk) if target else None
        self.met: dict[str, list[Household]] = {}
        self.by_id: dict[str, Household] = {}
        self.by_pk: dict[UUID, Household] = {}
        if self.of_target and target:
            self.by_pk[target.pk] = self.of_target

    def of(self, quote: StatedQuote, problems: list[Problem]) -> Household | None:
        name, own_id = plain(quote.insured.get("applicant_name")), _own_id(quote)
        if self.target is not None:
            return self._targets(quote, name, own_id, problems)
        if not name and not own_id:
            problems.append(Problem(NO_NAME, row=quote.row))
            return None
        if own_id and own_id in self.by_id:
            return self.by_id[own_id]
        alike = [
            each
            for each in self.met.get(name, ())
            if name and _may_be(quote.insured, each.columns) and not (own_id and each.own_id)
        ]
        if len(alike) > 1:
            problems.append(_ambiguous(quote, "in this table"))
            return None
        home = alike[0] if alike else self._new_or_stored(quote, name, own_id, problems)
        if home is not None and own_id:
            home.own_id = own_id
            self.by_id[own_id] = home
        return home

    def _targets(
        self, quote: StatedQuote, name: str, own_id: str, problems: list[Problem]
    ) -> Household | None:
        """The household the import was opened for, unless the row names another."""
        assert self.target is not None  # noqa: S101 - for the type checker
        same_id = bool(own_id) and self.target.identity_key == intake.own_key(own_id)
        if same_id or (not name or name == plain(self.target.applicant_name)):
            return self.of_target
        if not plain(self.target.applicant_name):
            return self.of_target
        problems.append(
            Problem(
                f"names {quote.insured['applicant_name']}, but this import was opened for "
                f"{self.target.shown_name}. Leave the column with the name out to take the quotes "
                "in there, or import from the list of insureds",
                row=quote.row,
                column=quote.headings.get("applicant_name", ""),
            )
        )
        return None

    def _new_or_stored(
        self, quote: StatedQuote, name: str, own_id: str, problems: list[Problem]
    ) -> Household | None:
        found = self._stored(quote, name, own_id)
        if len(found) > 1:
            places = "; ".join(each.place for each in found[:5])
            problems.append(_ambiguous(quote, f"among your insureds ({places})"))
            return None
        met = self.by_pk.get(found[0].pk) if found else None
        if not found or (met and own_id and met.own_id not in ("", own_id)):
            # Two ids are two households, though only one of them is stored under the name.
            home = Household()
        else:
            home = self.by_pk.setdefault(found[0].pk, Household(pk=found[0].pk))
        if name:
            self.met.setdefault(name, [])
            if home not in self.met[name]:
                self.met[name].append(home)
        # What tells it from others of the name, before the next row asks.
        for column in ("applicant_name", *PLACE):
            if quote.insured.get(column):
                home.columns.setdefault(column, quote.insured[column])
                home.stated_in.setdefault(column, quote)
        return home

    def _stored(self, quote: StatedQuote, name: str, own_id: str) -> list[Known]:
        """The broker's households that the row may mean; more than one where it is not clear."""
        if own_id and intake.own_key(own_id) in self.by_key:
            return [self.by_key[intake.own_key(own_id)]]
        if not name:
            return []
        stated = quote.insured
        key = intake.name_key(name, stated.get("state", ""), stated.get("zip_code", ""))
        if key and key in self.by_key:
            return [self.by_key[key]]
        alike = [
            each
            for each in self.by_name.get(name, ())
            if _may_be(stated, each._asdict())
            and not (own_id and each.identity_key.startswith("id:"))
        ]
        exact = [
            each
            for each in alike
            if all(stated.get(c) and _same_place(c, stated[c], getattr(each, c)) for c in PLACE)
        ]
        return exact[:1] or alike


def _own_id(quote: StatedQuote) -> str:
    return str(quote.insured.get("insured_id") or "").strip()


def _may_be(one: Any, other: Any) -> bool:
    """Whether two statements of a household's place do not contradict each other."""
    return all(
        not one.get(column)
        or not other.get(column)
        or _same_place(column, one[column], other[column])
        for column in PLACE
    )


def _same_place(column: str, one: str, other: str) -> bool:
    """ZIP codes are compared by their five digits: ZIP+4 is often left out."""
    return one[:5] == other[:5] if column == "zip_code" else one == other


def _ambiguous(quote: StatedQuote, where: str) -> Problem:
    return Problem(
        f"{quote.insured['applicant_name']} is the name of several households {where}. "
        "State the ZIP code (and the state), or import from the insured's own page",
        row=quote.row,
        column=quote.headings.get("applicant_name", ""),
    )


def _take_in(home: Household, quote: StatedQuote) -> Iterator[Problem]:
    """Add what the quote's rows state of the household; contradictions are problems."""
    for column in COLUMNS:
        value = quote.insured.get(column)
        if value in (None, ""):
            continue
        before = home.columns.get(column)
        if before in (None, ""):
            home.columns[column], home.stated_in[column] = value, quote
        elif plain(before) != plain(value) and not (
            column == "zip_code" and _same_place(column, str(before), str(value))
        ):
            yield Problem(
                f'{label(column)} is "{value}" here and "{before}" in row '
                f"{home.stated_in[column].row}, of one insured. Make them the same",
                row=quote.row,
                column=quote.headings.get(column, ""),
            )


def _told_once(problems: Iterable[Problem]) -> list[Problem]:
    """In the table's order; that no row at all names an insured is said once."""
    found = sorted(problems, key=lambda each: each.row or 0)
    nameless = [each for each in found if each.message == NO_NAME]
    if len(nameless) > 1:
        first = Problem(
            f"{len(nameless)} quotes name no insured, first in row {nameless[0].row}. Open the "
            "import from the insured's own page, or add a column with the name"
        )
        return [first, *(each for each in found if each.message != NO_NAME)]
    return found
