"""What deserves a look in the insured's profile before quotes are compared.

Each rule takes the case and says what it found; none blocks.
"""

from __future__ import annotations

from collections.abc import Iterator

from quotes.models import LINES
from quotes.services.findings import Case, Finding, Place, alternatives, line_noun, listed
from quotes.services.places import state_name, states_of_zip


def zip_not_in_state(case: Case) -> Iterator[Finding]:
    """The ZIP's prefix is another state's, or nobody's. A few codes cross a border."""
    state, code = case.insured.state, case.insured.zip_code
    if not state or not code:
        return
    found = states_of_zip(code)
    if state in found:
        return
    places = (
        Place("Check the ZIP code", "profile", "zip_code"),
        Place("Check the state", "profile", "state"),
    )
    path = "input.address.zip_code"
    if not found:
        yield Finding(
            path,
            f"no ZIP code begins with {code[:3]}",
            code="zip_unknown",
            small=f"it is written as {code}",
            places=places,
        )
        return
    yield Finding(
        path,
        f"ZIP {code} is in {state_name(found[0])}, but the state is {state_name(state)}",
        code="zip_not_in_state",
        small="a few ZIP codes cross a border; else one of the two is wrong",
        places=places,
    )


def garaged_elsewhere(case: Case) -> Iterator[Finding]:
    """A vehicle's garaging ZIP is not the home's: legitimate, and it changes the auto price."""
    home = case.insured.zip_code[:5]
    if "auto" not in case.requested or not home:
        return
    away = [
        (number, vehicle)
        for number, vehicle in enumerate(case.insured.vehicles.all())
        if vehicle.garaging_zip and vehicle.garaging_zip[:5] != home
    ]
    if not away:
        return
    if len(away) == 1:
        vehicle = away[0][1]
        message = f"{vehicle} is garaged in {_whereabouts(case, vehicle.garaging_zip)}"
        message += f", not at the home's {home}"
        small = "fine if the car lives elsewhere"
    else:
        message = f"{len(away)} vehicles are garaged away from the home's {home}"
        small = "fine if they live elsewhere"
    yield Finding(
        "input.vehicles_detail",
        message,
        code="garaged_elsewhere",
        small=small,
        places=tuple(
            Place(
                f"{vehicle}, {vehicle.garaging_zip[:5]}" if len(away) > 1 else "Check its ZIP code",
                "profile",
                f"vehicles-{number}-garaging_zip",
            )
            for number, vehicle in away
        ),
    )


def _whereabouts(case: Case, code: str) -> str:
    states = states_of_zip(code)
    other = states and case.insured.state and case.insured.state not in states
    return f"{code[:5]} ({state_name(states[0])})" if other else code[:5]


def no_drivers(case: Case) -> Iterator[Finding]:
    if "auto" in case.requested and not case.insured.drivers.all():
        yield Finding(
            "input.drivers",
            "no drivers are listed",
            code="no_drivers",
            small="auto is ranked without knowing who drives",
            places=(Place("Add drivers", "section", "drivers"),),
        )


def no_vehicles(case: Case) -> Iterator[Finding]:
    if "auto" in case.requested and not case.insured.vehicles.all():
        yield Finding(
            "input.vehicles_detail",
            "no vehicles are listed",
            code="no_vehicles",
            small="auto is ranked without knowing what is driven",
            places=(Place("Add vehicles", "section", "vehicles"),),
        )


def years_not_stated(case: Case) -> Iterator[Finding]:
    """Years licensed are not stated; 0 is stated."""
    if "auto" not in case.requested:
        return
    missing = [
        (number, driver)
        for number, driver in enumerate(case.insured.drivers.all())
        if driver.years_licensed is None
    ]
    if missing:
        names = [str(driver) for _, driver in missing]
        yield Finding(
            "input.drivers",
            f"years licensed are not stated for {listed(names)}",
            code="years_not_stated",
            small="Nexio scores auto better with them",
            places=tuple(
                Place(f"Add {driver}'s", "profile", f"drivers-{number}-years_licensed")
                for number, driver in missing
            ),
        )


def no_incumbents(case: Case) -> Iterator[Finding]:
    """No policy in force at all, or none for a requested line while others have one."""
    stated = {policy.line for policy in case.insured.incumbents.all()}
    place = Place("Add policies in force", "section", "incumbents")
    if not stated:
        yield Finding(
            "input.current_coverage",
            "no policies in force are stated",
            code="no_incumbents",
            small="without them no price difference can be shown",
            places=(place,),
        )
        return
    missing = [line for line in LINES if line in case.requested and line not in stated]
    if missing:
        nouns = alternatives([line_noun(line) for line in missing])
        yield Finding(
            "input.current_coverage",
            f"no {nouns} policy in force is stated, though {_others(stated)}",
            code="incumbent_missing",
            small="fine if there is none today",
            places=(place,),
        )


def _others(stated: set[str]) -> str:
    nouns = [line_noun(line) for line in LINES if line in stated]
    return f"{listed(nouns)} {'is' if len(nouns) == 1 else 'are'}"
