"""Save what a broker typed of an insured, with its rows; all or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import simplejson
from django.db import IntegrityError, transaction

from quotes.models import (
    LINES,
    Carrier,
    Driver,
    IncumbentPolicy,
    Insured,
    User,
    Vehicle,
)
from quotes.services import documents as doc
from quotes.services.intake import name_key
from quotes.services.likeness import Household, Likeness, likely_duplicates
from quotes.services.origins import mark, typed
from quotes.services.profile import HISTORY, RESIDENCE, driver_id, shown_driver

HEAD = ("applicant_name", "street", "city", "state", "zip_code")
DRIVER_COLUMNS = ("name", "years_licensed", "violations_5yr")
VEHICLE_COLUMNS = ("year", "make", "model", "garaging_zip", "primary_driver")
INCUMBENT_COLUMNS = ("carrier_name", "annual_premium")


class ChangedMeanwhile(Exception):
    """Somebody saved the same thing after it was opened for editing; nothing was written."""


class AlreadyThere(Exception):
    """The broker may have this household already, as one of `alike`; nothing was written."""

    def __init__(self, alike: Sequence[Likeness]) -> None:
        self.alike = alike
        super().__init__("that household may be among the broker's insureds already")


class SavedInsured(NamedTuple):
    """An insured as stored, and the parts of its profile that changed, by their origins' names."""

    insured: Insured
    changed: list[str]


@dataclass(frozen=True)
class Row:
    """A driver or vehicle as typed; `pk` of the stored row it edits, None for a new one."""

    pk: int | None
    columns: dict[str, Any]


@dataclass(frozen=True)
class Profile:
    """All of an insured's form. `incumbents` holds the lines in force, by line."""

    head: dict[str, str]
    residence: dict[str, Any]
    history: dict[str, Any]
    drivers: Sequence[Row] = ()
    vehicles: Sequence[Row] = ()
    incumbents: Mapping[str, dict[str, Any]] = field(default_factory=dict)


def insured_version(insured: Insured) -> str:
    """Changes whenever anything that the insured's form shows was changed by anyone."""
    return digest(
        [
            shown_columns(insured, HEAD),
            insured.document,
            [[d.pk, shown_columns(d, DRIVER_COLUMNS)] for d in insured.drivers.all()],
            [[v.pk, shown_columns(v, VEHICLE_COLUMNS)] for v in insured.vehicles.all()],
            [[i.line, shown_columns(i, INCUMBENT_COLUMNS)] for i in insured.incumbents.all()],
        ]
    )


def shown_columns(row: object, names: Sequence[str]) -> list[str]:
    """The columns `names` of a row, comparable whatever their type."""
    return [repr(getattr(row, name)) for name in names]


def digest(value: Any) -> str:
    """32 characters that change with any part of a JSON value."""
    text = simplejson.dumps(value, use_decimal=True, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def save_insured(
    *,
    profile: Profile,
    owner: User,
    insured: Insured | None = None,
    version: str = "",
    overwrite: bool = False,
    twice: bool = False,
) -> SavedInsured:
    """Store a new insured of `owner`, or lay the form over a stored one.

    `version` is `insured_version` as it was when the form was opened; an empty one is as stale
    as any. What the form changed is marked as typed by `owner`. Raises ChangedMeanwhile unless
    `overwrite`, and unless `twice` AlreadyThere: for a new household that is like another, and
    for one that takes another's name, state and ZIP.
    """
    if insured is None and not twice:
        # Before the transaction: the look is long, and a write holds others up.
        alike = likely_duplicates(
            owner=owner,
            household=Household(**profile.head, vehicles=[row.columns for row in profile.vehicles]),
        )
        if alike:
            raise AlreadyThere(alike)
    with transaction.atomic():
        return _save_insured(profile, owner, insured, version, overwrite, twice)


def _save_insured(
    profile: Profile,
    owner: User,
    insured: Insured | None,
    version: str,
    overwrite: bool,
    twice: bool,
) -> SavedInsured:
    if insured is None:
        insured, before = Insured(owner=owner), ""
        shown: dict[str, Any] = {}
    else:
        insured = Insured.objects.select_for_update(of=("self",)).get(pk=insured.pk)
        if insured_version(insured) != version and not overwrite:
            raise ChangedMeanwhile
        before = _name_key(insured)
        shown = _shown(insured)
    for name, value in profile.head.items():
        setattr(insured, name, value)
    _set_identity(insured, before=before, twice=twice)
    document = deepcopy(insured.document) if isinstance(insured.document, dict) else {}
    for fields, values in ((RESIDENCE, profile.residence), (HISTORY, profile.history)):
        for each in fields:
            doc.write_field(document, each, values[each.attr])
    if not insured._state.adding:
        _keep_counts(insured, profile, document)
    insured.document = document
    try:
        with transaction.atomic():
            insured.save()
    except IntegrityError:
        # The same household was saved between the look and the write.
        raise AlreadyThere([_same_place(_namesake(insured) or insured)]) from None
    vehicles = _stored_vehicles(insured, profile)
    _store_rows(insured, Driver, profile.drivers)
    _store_rows(insured, Vehicle, vehicles)
    _store_incumbents(insured, profile.incumbents)
    now = _shown(insured)
    changed = [name for name in {**shown, **now} if shown.get(name) != now.get(name)]
    if changed:
        mark(insured, changed, typed(owner))
        insured.save(update_fields=["origins"])
    return SavedInsured(insured, changed)


def _shown(insured: Insured) -> dict[str, Any]:
    """What the form shows as stored, by the names under which its origins are kept; what is not
    stated is left out."""
    stated = insured.document if isinstance(insured.document, dict) else {}
    parts: dict[str, Any] = {name: getattr(insured, name) for name in HEAD}
    for part, fields in (("residence", RESIDENCE), ("insurance_history", HISTORY)):
        parts[part] = {k: v for k, v in doc.read_fields(stated, fields).items() if v or v == 0}
    for name, columns in (("drivers", DRIVER_COLUMNS), ("vehicles", VEHICLE_COLUMNS)):
        rows = getattr(insured, name).order_by("position", "id")
        parts[name] = [shown_columns(row, columns) for row in rows]
    for policy in IncumbentPolicy.objects.filter(insured=insured):
        parts[f"incumbents.{policy.line}"] = shown_columns(policy, INCUMBENT_COLUMNS)
    return {name: value for name, value in parts.items() if value}


def _name_key(insured: Insured) -> str:
    return name_key(insured.applicant_name, insured.state, insured.zip_code)


def _namesake(insured: Insured) -> Insured | None:
    """Another insured of the same broker with the same name, state and ZIP, not renewed since."""
    key = _name_key(insured)
    if not key:
        return None
    nearby = Insured.objects.filter(
        owner=insured.owner,
        state=insured.state,
        zip_code__startswith=insured.zip_code[:5],
        renewals=None,
    ).exclude(pk=insured.pk)
    return next((each for each in nearby if _name_key(each) == key), None)


def _same_place(insured: Insured) -> Likeness:
    return Likeness(insured, ("same name, state and ZIP code",))


def _set_identity(insured: Insured, *, before: str, twice: bool) -> None:
    """Keep the key by which a later import knows the household in step with its name and place.

    A key of another kind (the document's own id, its content) stays as it was imported.
    """
    key = _name_key(insured)
    if not insured._state.adding and (key == before or insured.renewals.exists()):
        # One that was renewed is known no more: a later import concerns its renewal.
        return
    namesake = _namesake(insured)
    if namesake is not None and not twice:
        raise AlreadyThere([_same_place(namesake)])
    if insured.identity_key == "" or insured.identity_key.startswith("name:"):
        # Two households under one name: a later import belongs to the first.
        insured.identity_key = "" if namesake is not None else key


def _keep_counts(insured: Insured, profile: Profile, document: dict[str, Any]) -> None:
    """Keep the document's count of vehicles and premium in force in step with edited rows.

    The guide's own request gives them beside the details: "vehicles": 2, "premium": 12840.
    """
    count, was, now = document.get("vehicles"), insured.vehicles.count(), len(profile.vehicles)
    counted = count if isinstance(count, int) and not isinstance(count, bool) else None
    if counted is not None and now not in (0, was) and (counted == was or counted < now):
        document["vehicles"] = now
    old = sum((i.annual_premium or Decimal(0) for i in insured.incumbents.all()), Decimal(0))
    new = sum((c["annual_premium"] or Decimal(0) for c in profile.incumbents.values()), Decimal(0))
    if new != old and old and doc.money(document.get("premium")) == old:
        document["premium"] = doc.write_money(new)


def _stored_vehicles(insured: Insured, profile: Profile) -> list[Row]:
    """The typed vehicles with their primary driver as stored: by id where the drivers have ids."""
    drivers = list(insured.drivers.all())
    new_names = {row.pk: row.columns["name"] for row in profile.drivers if row.pk}
    present = {vehicle.pk: vehicle for vehicle in insured.vehicles.all()}
    rows = []
    for row in profile.vehicles:
        typed = row.columns["primary_driver"]
        old = present.get(row.pk) if row.pk else None
        if old is not None and typed == shown_driver(old, drivers):
            stored = old.primary_driver
            if typed == stored:
                # A vehicle that names its driver follows the driver's new name.
                same = next((d for d in drivers if d.name and d.name == typed), None)
                stored = new_names.get(same.pk, stored) if same else stored
        else:
            ids = {new_names.get(d.pk, d.name).casefold(): driver_id(d) for d in drivers}
            stored = ids.get(typed.casefold()) or typed if typed else ""
        rows.append(Row(row.pk, row.columns | {"primary_driver": stored}))
    return rows


def _store_rows(insured: Insured, model: type[Driver] | type[Vehicle], rows: Sequence[Row]) -> None:
    """Make the insured's rows of `model` the typed ones; a row kept keeps its imported document."""
    present: dict[int, Driver | Vehicle] = {
        each.pk: each for each in model.objects.filter(insured=insured)
    }
    for index, row in enumerate(rows):
        found = present.pop(row.pk, None) if row.pk else None
        stored = found or model(insured=insured)
        for name, value in (row.columns | {"position": index}).items():
            setattr(stored, name, value)
        stored.save()
    for gone in present.values():
        gone.delete()


def _store_incumbents(insured: Insured, incumbents: Mapping[str, dict[str, Any]]) -> None:
    present = {policy.line: policy for policy in insured.incumbents.all()}
    for line in LINES:
        policy, columns = present.get(line), incumbents.get(line)
        if columns is None:
            if policy:
                policy.delete()
            continue
        name = columns["carrier_name"]
        if policy is None:
            policy = IncumbentPolicy(insured=insured, line=line)
        if policy._state.adding or policy.carrier_name != name:
            policy.carrier = Carrier.objects.named(name) if name else None
        policy.carrier_name, policy.annual_premium = name, columns["annual_premium"]
        policy.save()
