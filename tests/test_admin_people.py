"""People and offices in Django admin: who comes, who leaves, and to whom the insureds go."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import NoReverseMatch, reverse

from quotes.models import ApprovalRule, AuditEvent, Deed, Insured, Office, Role, User
from quotes.services import people as services
from quotes.services.roles import ensure_roles
from tests.factories import PASSWORD, import_example, main_office, make_user
from tests.views.pages import form_values, signed_in, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def visitor(people) -> Client:
    """An administrator by role alone; no superuser."""
    ensure_roles()
    people["admin"].is_superuser = False
    people["admin"].save()
    return signed_in(User.objects.get(username="admin"))


def url(page: str, *args: Any, model: str = "user") -> str:
    return reverse(f"admin:quotes_{model}_{page}", args=args)


def group(role: Role) -> int:
    return Group.objects.get(name=role).pk


def administered() -> list[AuditEvent]:
    """What was done to people and offices, the latest first, beside that a page was posted."""
    rows = AuditEvent.objects.filter(deed=Deed.ADMINISTERED, insured_ref=None)
    return list(rows.exclude(what__startswith="Administration:"))


def page_of(visitor: Client, person: User) -> dict[str, Any]:
    """What a browser would post from the person's page."""
    page = visitor.get(url("change", person.pk)).content.decode()
    values = form_values("<main" + page.split('id="user_form"', 1)[1])
    return {name: value for name, value in values.items() if not name.startswith("_")}


def change(visitor: Client, person: User, **fields: Any) -> Any:
    response = visitor.post(
        url("change", person.pk), page_of(visitor, person) | {"_save": "Save"} | fields
    )
    person.refresh_from_db()
    return response


def errors(response: Any) -> dict[str, Any]:
    found: dict[str, Any] = response.context["adminform"].form.errors
    return found


class TestChanging:
    def test_what_changed_is_told_from_and_to(self, visitor, people):
        north = Office.objects.create(name="North")
        assert change(visitor, people["broker"], office=north.pk, last_name="Okafor") is not None
        (entry,) = administered()
        assert entry.actor == people["admin"]
        assert entry.what == "Changed the user broker: last name, office"
        assert entry.data["changed"] == {
            "last name": ["", "Okafor"],
            "office": [main_office().name, "North"],
        }
        assert people["broker"].password not in str(entry.data)

    def test_saving_without_a_change_says_nothing(self, visitor, people):
        change(visitor, people["broker"])
        assert administered() == []

    @pytest.mark.parametrize("role", [Role.BROKER, Role.MANAGER])
    def test_brokers_and_managers_need_an_office(self, visitor, people, role):
        response = change(visitor, people["other"], office="", groups=[group(role)])
        assert "Choose an office" in str(errors(response)["office"])
        assert people["other"].office == main_office()

    def test_an_admin_needs_none(self, visitor, people):
        second = make_user("second", Role.ADMIN, is_staff=True, office=None)
        assert change(visitor, second, first_name="Sam").status_code == 302

    def test_only_managers_oversee(self, visitor, people):
        north = Office.objects.create(name="North")
        refused = change(visitor, people["broker"], oversees=[north.pk])
        assert errors(refused)["oversees"]
        assert change(visitor, people["manager"], oversees=[north.pk]).status_code == 302
        assert people["manager"].offices_seen == {main_office().pk, north.pk}

    def test_a_broker_with_insureds_stays_one(self, visitor, people):
        import_example(owner=people["broker"])
        refused = change(visitor, people["broker"], groups=[group(Role.MANAGER)])
        assert "1 insured would be left" in str(errors(refused)["groups"])

    def test_a_page_that_another_admin_overtook_overwrites_nothing(self, visitor, people):
        stale = page_of(visitor, people["broker"])
        north = Office.objects.create(name="North")
        change(visitor, people["broker"], office=north.pk)
        response = visitor.post(url("change", people["broker"].pk), stale | {"first_name": "Maya"})
        assert "the office is now “North”" in words(response)
        people["broker"].refresh_from_db()
        assert (people["broker"].office, people["broker"].first_name) == (north, "")

    def test_a_username_is_taken_whatever_its_capitals(self, visitor, people):
        assert errors(change(visitor, people["other"], username="BROKER"))["username"]

    def test_the_admin_role_lets_in_and_shuts_out(self, visitor, people):
        change(visitor, people["other"], groups=[group(Role.BROKER), group(Role.ADMIN)])
        assert people["other"].is_staff
        change(visitor, people["other"], groups=[group(Role.BROKER)])
        assert not people["other"].is_staff

    def test_nobody_makes_themselves_or_another_more(self, visitor, people):
        admin = people["admin"]
        change(visitor, admin, is_superuser="on", groups=[])
        assert not admin.is_superuser
        assert admin.groups.exists()
        change(visitor, people["broker"], is_superuser="on", is_staff="on", is_demo="on")
        broker = people["broker"]
        assert [broker.is_superuser, broker.is_staff, broker.is_demo] == [False] * 3

    def test_a_superuser_is_for_superusers_to_touch(self, visitor, people):
        root = make_user("root", Role.ADMIN, is_staff=True, is_superuser=True)
        for page in ("change", "leave", "hand_over", "activate", "link"):
            assert visitor.post(url(page, root.pk), {"first_name": "X"}).status_code == 403
        visitor.post(url("changelist"), {"action": "deactivate", "_selected_action": [root.pk]})
        root.refresh_from_db()
        assert root.is_active
        assert root.check_password(PASSWORD)

    def test_nobody_here_sets_a_password(self, visitor, people):
        with pytest.raises(NoReverseMatch):
            reverse("admin:auth_user_password_change", args=[people["broker"].pk])
        assert visitor.get(url("change", people["broker"].pk) + "../password/").status_code != 200
        page = visitor.get(url("change", people["broker"].pk)).content.decode()
        assert people["broker"].password not in page


class TestInviting:
    def invite(self, visitor: Client, **fields: Any) -> Any:
        posted = {
            "username": "newcomer", "first_name": "Nora", "last_name": "Example",
            "groups": [group(Role.BROKER)], "office": main_office().pk, **fields,
        }  # fmt: skip
        return visitor.post(url("add"), posted)

    def test_a_link_is_shown_once_and_no_password_known(self, visitor):
        response = self.invite(visitor)
        assert response.status_code == 200
        assert "no-store" in response["Cache-Control"]
        link = re.search(r'value="(http://testserver/[^"]+)"', response.content.decode())
        assert link is not None
        person = User.objects.get(username="newcomer")
        assert not person.has_usable_password()
        assert person.is_broker
        again = visitor.get(url("change", person.pk)).content.decode()
        assert link[1].rsplit("/", 2)[1] not in again
        said = [each.what for each in administered()]
        assert "Added the user newcomer" in said
        assert not any(link[1].rsplit("/", 2)[1] in str(each.data) for each in administered())
        visit = Client().get(link[1])
        assert visit.status_code == 302

    def test_without_an_office_nobody_is_added(self, visitor):
        response = self.invite(visitor, office="")
        assert "Choose an office" in words(response)
        assert not User.objects.filter(username="newcomer").exists()

    def test_without_a_role_nobody_is_added(self, visitor):
        response = self.invite(visitor, groups=[])
        assert "Choose a role" in words(response)
        assert not User.objects.filter(username="newcomer").exists()

    def test_a_demo_account_and_an_inactive_one_get_none(self, visitor, people):
        User.objects.filter(pk=people["broker"].pk).update(is_demo=True)
        User.objects.filter(pk=people["other"].pk).update(is_active=False)
        for person in (people["broker"], people["other"]):
            response = visitor.post(url("link", person.pk), follow=True)
            assert "/sign-in/link/" not in response.content.decode()


class TestLeaving:
    def test_the_page_says_what_is_held_and_asks(self, visitor, people):
        import_example(owner=people["broker"])
        page = words(visitor.get(url("leave", people["broker"].pk)))
        assert "1 insured" in page
        refused = visitor.post(url("leave", people["broker"].pk), {})
        assert refused.status_code == 422
        people["broker"].refresh_from_db()
        assert people["broker"].is_active

    def test_they_go_to_a_successor(self, visitor, people):
        insured = import_example(owner=people["broker"]).insured
        open_page = signed_in(people["broker"])
        posted = {"what": "hand_over", "to": people["other"].pk, "reason": "Maya retired."}
        response = visitor.post(url("leave", people["broker"].pk), posted, follow=True)
        assert "1 insured went to broker2, with 0 runs." in words(response)
        assert Insured.objects.get(pk=insured.pk).owner == people["other"]
        assert open_page.get("/").status_code == 302

    def test_or_stay_knowingly(self, visitor, people):
        insured = import_example(owner=people["broker"]).insured
        posted = {"what": "leave", "reason": "Back in May."}
        visitor.post(url("leave", people["broker"].pk), posted)
        people["broker"].refresh_from_db()
        assert not people["broker"].is_active
        later = {"to": people["other"].pk, "reason": "She does not come back."}
        visitor.post(url("hand_over", people["broker"].pk), later)
        assert Insured.objects.get(pk=insured.pk).owner == people["other"]

    def test_whoever_comes_second_is_shown_what_became_of_it(self, visitor, people, monkeypatch):
        insured = import_example(owner=people["broker"]).insured
        looked = services.holding_of

        def quicker(person: User) -> Any:
            held = looked(person)
            services.deactivate(
                person=User.objects.get(pk=person.pk),
                actor=people["admin"],
                reason="Maya retired.",
                successor=people["other"],
            )
            return held

        monkeypatch.setattr(services, "holding_of", quicker)
        posted = {"what": "hand_over", "to": people["other"].pk, "reason": "She retired."}
        response = visitor.post(url("leave", people["broker"].pk), posted, follow=True)
        assert response.redirect_chain == [(url("change", people["broker"].pk), 302)]
        assert "inactive a moment ago" in words(response)
        assert Insured.objects.get(pk=insured.pk).owner == people["other"]

    def test_what_the_successor_has_already_is_listed(self, visitor, people):
        twin = import_example(owner=people["broker"]).insured
        import_example(owner=people["other"])
        posted = {"what": "hand_over", "to": people["other"].pk, "reason": "Maya retired."}
        response = visitor.post(url("leave", people["broker"].pk), posted)
        assert reverse("quotes:insured_detail", args=[twin.pk]) in response.content.decode()

    @pytest.mark.parametrize("to", ["", "0", "999999", "abc", "manager"])
    def test_to_nobody_else(self, visitor, people, to):
        import_example(owner=people["broker"])
        to = str(people["manager"].pk) if to == "manager" else to
        posted = {"what": "hand_over", "to": to, "reason": "Maya retired."}
        assert visitor.post(url("leave", people["broker"].pk), posted).status_code == 422
        people["broker"].refresh_from_db()
        assert people["broker"].is_active

    def test_somebody_with_nothing_is_asked_nothing(self, visitor, people):
        visitor.post(url("leave", people["other"].pk))
        people["other"].refresh_from_db()
        assert not people["other"].is_active
        visitor.post(url("activate", people["other"].pk))
        people["other"].refresh_from_db()
        assert people["other"].is_active

    def test_not_oneself(self, visitor, people):
        response = visitor.post(url("leave", people["admin"].pk), follow=True)
        assert "Nobody makes themselves inactive" in words(response)
        people["admin"].refresh_from_db()
        assert people["admin"].is_active

    def test_several_at_once_where_nothing_is_to_be_asked(self, visitor, people):
        import_example(owner=people["broker"])
        chosen = [person.pk for person in people.values()]
        response = visitor.post(
            url("changelist"), {"action": "deactivate", "_selected_action": chosen}, follow=True
        )
        assert "Still active, since they have insureds: broker." in words(response)
        active = User.objects.filter(is_active=True).values_list("username", flat=True)
        assert set(active) == {"admin", "broker"}


class TestOffices:
    def test_added_renamed_and_told(self, visitor):
        visitor.post(
            url("add", model="office"), {"name": " North  coast ", "approval": ApprovalRule.ALWAYS}
        )
        office = Office.objects.get(name="North coast")
        posted = {"name": "North", "approval": ApprovalRule.NONE}
        visitor.post(url("change", office.pk, model="office"), posted)
        changed, added = administered()
        assert added.what == "Added the office North coast"
        assert changed.data["changed"] == {
            "name": ["North coast", "North"],
            "approval": ["Every choice", "No approval"],
        }
        refused = visitor.post(
            url("add", model="office"), {"name": "NORTH", "approval": ApprovalRule.NONE}
        )
        assert errors(refused)["name"]

    def test_never_deleted_while_people_work_there(self, visitor, people):
        User.objects.update(is_active=False)
        User.objects.filter(username="admin").update(is_active=True)
        work = main_office()
        assert visitor.post(
            url("delete", work.pk, model="office"), {"post": "yes"}
        ).status_code == 403  # fmt: skip
        empty = Office.objects.create(name="Empty")
        people["manager"].oversees.add(empty)
        visitor.post(url("delete", empty.pk, model="office"), {"post": "yes"})
        assert list(Office.objects.all()) == [work]
        assert administered()[0].what == "Deleted the office Empty, where nobody worked"
