"""The forms of the people's pages in Django admin."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django import forms

from quotes.models import Insured, Role, User
from quotes.services import people
from quotes.services.transfer import MOST_REASON

if TYPE_CHECKING:
    PersonModelForm = forms.ModelForm[User]
else:
    PersonModelForm = forms.ModelForm

CHANGED = (
    "Somebody else changed this person after you opened the page: {}. Nothing of yours was saved. "
    "Open the page again in another tab, look, and type again what still holds."
)
AN_OFFICE = "Choose an office: a broker's manager is found by it, and a manager's brokers."


def version_of(person: User) -> str:
    """Changes with whatever administrators set of the person."""
    return hashlib.sha256(json.dumps(people.shown(person)).encode()).hexdigest()[:32]


class _RoleForm(PersonModelForm):
    """What holds of the roles, for somebody new as for somebody there."""

    before: dict[str, Any] | None = None
    """What was stored under this transaction's lock; None for somebody new."""

    def clean_username(self) -> str:
        username = str(self.cleaned_data["username"])
        alike = User.objects.filter(username__iexact=username).exclude(pk=self.instance.pk)
        if alike.exists():
            raise forms.ValidationError("Somebody has this username already.")
        return username

    def roles(self) -> set[str]:
        if "groups" in self.cleaned_data:
            return {group.name for group in self.cleaned_data["groups"]}
        # A form without the field changes no role: one's own, or a mistake elsewhere in it.
        return set(self.instance.groups.values_list("name", flat=True))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        roles = self.roles()
        stated = "office" in self.errors or cleaned.get("office")
        if roles & {Role.BROKER, Role.MANAGER} and not stated:
            self.add_error("office", AN_OFFICE)
        if cleaned.get("oversees") and Role.MANAGER not in roles:
            self.add_error("oversees", "Only a manager oversees offices.")
        return cleaned


class InviteForm(_RoleForm):
    """Somebody new, without a password: a link lets them set their first one."""

    class Meta:
        model = User
        fields = ("username", "first_name", "last_name", "email", "office", "groups", "oversees")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "groups" not in self.errors and not self.roles():
            self.add_error("groups", "Choose a role: without one they sign in and see nothing.")
        return cleaned

    def roles(self) -> set[str]:
        # Somebody who is not stored yet has no roles to fall back on.
        return {group.name for group in self.cleaned_data.get("groups", ())}

    def save(self, commit: bool = True) -> User:
        self.instance.set_unusable_password()
        return super().save(commit)


class PersonForm(_RoleForm):
    """Somebody who is there; refused where somebody else changed them meanwhile."""

    version = forms.CharField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = User
        fields = (
            "username", "first_name", "last_name", "email", "office", "groups", "oversees",
            "is_superuser",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["version"].initial = version_of(self.instance)

    def clean(self) -> dict[str, Any]:
        stored = User.objects.select_for_update().get(pk=self.instance.pk)
        self.before = people.shown(stored)
        cleaned = super().clean()
        if cleaned.get("version") != version_of(stored):
            named = _differing(self.before, self)
            raise forms.ValidationError(CHANGED.format(named))
        was_broker = Role.BROKER in self.before["roles"]
        if was_broker and Role.BROKER not in self.roles():
            count = Insured.objects.filter(owner=stored).count()
            if count:
                self.add_error(
                    "groups",
                    f"{count} insured{'' if count == 1 else 's'} would be left with somebody who "
                    "cannot work on them. Hand them over first, by the button above.",
                )
        return cleaned


def _differing(stored: dict[str, Any], form: forms.ModelForm[User]) -> str:
    """What of the stored differs from what was posted, as far as the form has it."""
    fields = {
        "username": "username", "first_name": "first name", "last_name": "last name",
        "email": "e-mail",
    }  # fmt: skip
    found = [
        f"the {words} is now “{stored[words]}”"
        for name, words in fields.items()
        if name in form.cleaned_data and form.cleaned_data[name] != stored[words]
    ]
    office = form.cleaned_data.get("office")
    if "office" in form.cleaned_data and (office.name if office else "") != stored["office"]:
        found.append(f"the office is now “{stored['office'] or 'none'}”")
    if "groups" in form.cleaned_data:
        roles = sorted(group.name for group in form.cleaned_data["groups"])
        if roles != stored["roles"]:
            found.append(f"the roles are now {', '.join(stored['roles']) or 'none'}")
    return "; ".join(found) or "look what it was in the history"


class HandOverForm(forms.Form):
    """To whom somebody's insureds go, or that they stay; and why."""

    HAND_OVER, LEAVE = "hand_over", "leave"

    what = forms.ChoiceField(
        label="Their insureds",
        choices=(
            (HAND_OVER, "go to another broker"),
            (LEAVE, "stay with them for now; managers and admins go on seeing them"),
        ),
        widget=forms.RadioSelect,
        error_messages={"required": "Say what becomes of the insureds."},
    )
    to = forms.ChoiceField(label="Broker", required=False)
    reason = forms.CharField(
        label="Reason",
        min_length=3,
        max_length=MOST_REASON,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text="It stays with the history of each insured.",
        error_messages={"required": "Say why, in a few words."},
    )

    def __init__(
        self, *args: Any, person: User, brokers: Iterable[User], leaving: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.brokers = {str(each.pk): each for each in brokers}
        if not leaving:
            del self.fields["what"]
        groups: dict[str, list[tuple[str, str]]] = {}
        # Whoever works in the same office first: there the household's file and manager are.
        nearest = sorted(self.brokers.values(), key=lambda each: each.office_id != person.office_id)
        for each in nearest:
            office = each.office.name if each.office else "No office"
            groups.setdefault(office, []).append(
                (str(each.pk), f"{each.shown_name} ({each.username})")
            )
        self.fields["to"].choices = [("", "Choose a broker"), *groups.items()]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        wanted = cleaned.get("what", self.HAND_OVER if "what" not in self.fields else "")
        if wanted == self.HAND_OVER and not cleaned.get("to") and "to" not in self.errors:
            self.add_error("to", "Choose the broker they go to.")
        return cleaned

    @property
    def successor(self) -> User | None:
        if self.cleaned_data.get("what") == self.LEAVE:
            return None
        return self.brokers.get(self.cleaned_data.get("to", ""))
