"""The insured's form: head, residence, history, drivers, vehicles and incumbents as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.forms import BaseFormSet, formset_factory
from django.http import QueryDict

from quotes.forms.base import (
    BlankableForm,
    Complaint,
    LinePart,
    PortalForm,
    changed_rows,
    complaints,
    line_part,
    redrawn_lines,
    wanted,
)
from quotes.forms.fields import MoneyField, StateField, TextField, WholeField, YearField, ZipField
from quotes.models import LINES, Insured
from quotes.services import documents as doc
from quotes.services.editing import (
    DRIVER_COLUMNS,
    HEAD,
    INCUMBENT_COLUMNS,
    VEHICLE_COLUMNS,
    Profile,
    Row,
    insured_version,
)
from quotes.services.profile import HISTORY, MOST_REPLACEMENT, RESIDENCE, shown_driver

MOST_ROWS = 30
HIDDEN = forms.HiddenInput


def _listed(name: str) -> forms.TextInput:
    return forms.TextInput(attrs={"list": name, "autocomplete": "off"})


class InsuredForm(PortalForm):
    applicant_name = TextField(label="Applicant name", max_length=200)
    street = TextField(max_length=200)
    city = TextField(max_length=120)
    state = StateField()
    zip_code = ZipField(label="ZIP code")
    occupancy = TextField(max_length=60, widget=_listed("occupancies"))
    year_built = YearField(label="Year built", low=1600)
    square_feet = WholeField(label="Living area", low=1, high=200_000)
    construction = TextField(max_length=60, widget=_listed("constructions"))
    roof_year = YearField(label="Roof year", low=1600)
    renovation_year = YearField(label="Last renovated", low=1600)
    replacement_cost = MoneyField(label="Replacement cost", most=Decimal(MOST_REPLACEMENT))
    continuous_coverage_years = WholeField(label="Continuous coverage", low=0, high=90)
    claims_5yr = WholeField(label="Claims, last 5 years", low=0, high=99)
    lapses = WholeField(low=0, high=99)
    non_renewals = WholeField(label="Non-renewals", low=0, high=99)
    version = forms.CharField(required=False, widget=HIDDEN, max_length=64)
    overwrite = forms.BooleanField(required=False, label="Save mine anyway")
    twice = forms.BooleanField(required=False, label="Save as another insured anyway")

    def __init__(self, *args: Any, name_required: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["applicant_name"].required = name_required
        self.fields["applicant_name"].error_messages["required"] = "Write the applicant's name."


class DriverForm(BlankableForm):
    id = forms.CharField(required=False, widget=HIDDEN, max_length=20)
    name = TextField(max_length=200)
    years_licensed = WholeField(label="Years licensed", low=0, high=90)
    violations_5yr = WholeField(label="Violations, 5 years", low=0, high=99)


class VehicleForm(BlankableForm):
    id = forms.CharField(required=False, widget=HIDDEN, max_length=20)
    year = YearField(low=1886)
    make = TextField(max_length=60)
    model = TextField(max_length=60)
    garaging_zip = ZipField(label="Garaging ZIP")
    primary_driver = TextField(
        label="Primary driver", max_length=200, widget=_listed("driver-names")
    )


class IncumbentForm(BlankableForm):
    carrier_name = TextField(label="Carrier", max_length=120, widget=_listed("carriers"))
    annual_premium = MoneyField(label="Annual premium")


FORMS: dict[str, type[BlankableForm]] = {"drivers": DriverForm, "vehicles": VehicleForm}
NOUNS = {"drivers": "Driver", "vehicles": "Vehicle"}


@dataclass
class RowsPart:
    """The drivers or vehicles as a formset, and what a button just did to them."""

    kind: str
    formset: Any
    note: str = ""

    @property
    def noun(self) -> str:
        return NOUNS[self.kind]


def rows_part(kind: str, data: QueryDict | None = None, initial: Any = None) -> RowsPart:
    """The rows of `kind` as stored (`initial`), or as typed (`data`)."""
    factory: type[BaseFormSet[Any]] = formset_factory(
        FORMS[kind], extra=0, max_num=MOST_ROWS, validate_max=True, absolute_max=MOST_ROWS + 10
    )
    messages = {"too_many_forms": f"List at most {MOST_ROWS} {kind}."}
    return RowsPart(kind, factory(data, prefix=kind, initial=initial, error_messages=messages))


def redrawn_rows(kind: str, data: QueryDict) -> RowsPart:
    """The typed rows of `kind` as the pressed button wants them: one more, one less, unjudged."""
    add = data.get("add") == kind
    verb, index = wanted(data, kind)
    remove = int(index) if verb == "remove" and index.isdecimal() and len(index) < 4 else None
    changed = changed_rows(
        data, kind, FORMS[kind].base_fields, add=add, remove=remove, most=MOST_ROWS
    )
    part = rows_part(kind, changed)
    for form in part.formset.forms:
        form.quiet = True
    if add and part.formset.forms:
        first = next(iter(part.formset.forms[-1].visible_fields()))
        first.field.widget.attrs["autofocus"] = True
    if remove is not None:
        left = len(part.formset.forms)
        part.note = f"{NOUNS[kind]} {remove + 1} taken out; {left} left. Save to keep it so."
    return part


def incumbent_parts(
    data: QueryDict | None = None, stored: Mapping[str, Any] | None = None
) -> list[LinePart]:
    """A form for each line in force today, as stored (columns by line) or as typed."""
    stored = stored or {}
    return [
        line_part(IncumbentForm, "incumbents", line, data=data, stored=stored.get(line))
        for line in LINES
    ]


class InsuredEditor:
    """All the parts of the insured's form: as stored, or as typed where there is `data`."""

    def __init__(self, insured: Insured | None, data: QueryDict | None = None) -> None:
        self.insured = insured
        initial = _initial(insured) if data is None else {}
        named = insured is None or bool(insured.applicant_name)
        self.form = InsuredForm(data, initial=initial.get("form"), name_required=named)
        self.drivers = rows_part("drivers", data, initial.get("drivers"))
        self.vehicles = rows_part("vehicles", data, initial.get("vehicles"))
        self.incumbents = incumbent_parts(data, initial.get("incumbents"))
        self.extra: list[Complaint] = []

    @classmethod
    def redrawn(cls, insured: Insured | None, data: QueryDict) -> InsuredEditor:
        """The form after a press of an add or remove button: all that was typed, unjudged."""
        editor = cls(insured, data)
        editor.form.quiet = True
        editor.drivers = redrawn_rows("drivers", data)
        editor.vehicles = redrawn_rows("vehicles", data)
        editor.incumbents = redrawn_lines(editor.incumbents, data, "incumbents")
        return editor

    @property
    def driver_names(self) -> list[str]:
        """Names to offer for a vehicle's primary driver."""
        forms_ = self.drivers.formset.forms
        return list(dict.fromkeys(n for f in forms_ if (n := str(f["name"].value() or "").strip())))

    def is_valid(self) -> bool:
        open_lines = [part.form for part in self.incumbents if part.shown]
        parts = [self.form, self.drivers.formset, self.vehicles.formset, *open_lines]
        # Every part is judged, so that every mistake is named at once.
        judged = [part.is_valid() for part in parts]
        return all(judged)

    @property
    def complaints(self) -> list[Complaint]:
        """Every mistake, in the order of the page."""
        if self.form.quiet or not self.form.is_bound:
            return []
        found = [*self.extra, *complaints(self.form)]
        for rows in (self.drivers, self.vehicles):
            for index, form in enumerate(rows.formset.forms):
                found += complaints(form, f"{rows.noun} {index + 1}")
            found += [
                Complaint(f"s-{rows.kind}", str(error)) for error in rows.formset.non_form_errors()
            ]
        for part in self.incumbents:
            if part.shown:
                found += complaints(part.form, f"{part.label} in force")
        return found

    def profile(self) -> Profile:
        """What a valid form says, for the service."""
        values = self.form.cleaned_data
        return Profile(
            head={name: values[name] for name in HEAD},
            residence={field.attr: values[field.attr] for field in RESIDENCE},
            history={field.attr: values[field.attr] for field in HISTORY},
            drivers=_typed_rows(self.drivers),
            vehicles=_typed_rows(self.vehicles),
            incumbents={
                part.line: dict(part.form.cleaned_data)
                for part in self.incumbents
                if part.shown and not part.form.blank
            },
        )


def _typed_rows(part: RowsPart) -> list[Row]:
    rows = []
    for form in part.formset.forms:
        if not form.blank:
            columns = dict(form.cleaned_data)
            pk = columns.pop("id")
            rows.append(Row(int(pk) if pk.isdecimal() else None, columns))
    return rows


def _initial(insured: Insured | None) -> dict[str, Any]:
    if insured is None:
        return {"drivers": [{}], "vehicles": [{}]}
    drivers = list(insured.drivers.all())
    return {
        "form": {
            **doc.read_fields(insured.document, RESIDENCE + HISTORY),
            **{name: getattr(insured, name) for name in HEAD},
            "version": insured_version(insured),
        },
        "drivers": [_columns(driver, DRIVER_COLUMNS) for driver in drivers],
        "vehicles": [
            _columns(vehicle, VEHICLE_COLUMNS) | {"primary_driver": shown_driver(vehicle, drivers)}
            for vehicle in insured.vehicles.all()
        ],
        "incumbents": {
            each.line: _columns(each, INCUMBENT_COLUMNS) for each in insured.incumbents.all()
        },
    }


def _columns(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {"id": row.pk} | {name: getattr(row, name) for name in names}
