"""Renewing an insured and copying a quote, as a broker's browser would."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from quotes.models import Insured, Run
from quotes.services import intake, reading
from quotes.services.decisions import choose_solution
from quotes.services.doubts import expired_words
from quotes.services.origins import How, Origin
from tests.factories import EXAMPLES, import_example, queued_run
from tests.runs import completed_run
from tests.views.pages import form_values, signed_in, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(people: Any) -> Client:
    return signed_in(people["broker"])


@pytest.fixture
def insured(people: Any) -> Insured:
    return import_example(owner=people["broker"]).insured


def renew_url(insured: Insured) -> str:
    return reverse("quotes:insured_renew", args=[insured.pk])


def typed(client: Client, insured: Insured) -> dict[str, Any]:
    return form_values(client.get(renew_url(insured)).content.decode())


def test_without_a_run_the_policies_in_force_are_proposed(client, insured):
    values = typed(client, insured)
    assert values["in_force"] == ["as-they-are"]
    assert values["effective_date"] == "2028-01-01"
    response = client.post(renew_url(insured), values, follow=True)
    new = insured.renewals.get()
    assert response.redirect_chain[-1][0] == reverse("quotes:insured_detail", args=[new.pk])
    assert "The renewal was made." in words(response)
    assert new.document["effective_date"] == "2028-01-01"
    assert not new.quotes.exists()


def test_with_packages_nothing_is_chosen_for_the_broker(people, client, insured):
    run = completed_run(people["broker"], insured=insured)
    page = client.get(renew_url(insured))
    assert f"Packages of run {run.number}" in words(page)
    values = form_values(page.content.decode())
    assert "in_force" not in values
    refused = client.post(renew_url(insured), values | {"with_quotes": "on"})
    assert refused.status_code == 422
    assert "Say what is in force now" in words(refused)
    again = form_values(refused.content.decode())
    assert again["with_quotes"] == ["on"]
    assert again["effective_date"] == "2028-01-01"
    assert not insured.renewals.exists()


def test_a_chosen_package_is_what_is_in_force_and_quotes_come_along(people, client, insured):
    run = completed_run(people["broker"], insured=insured)
    solution = run.solutions.all()[0]
    values = typed(client, insured) | {"in_force": str(solution.pk), "with_quotes": "on"}
    client.post(renew_url(insured), values)
    new = insured.renewals.get()
    home = solution.lines.get(category="home")
    assert new.incumbents.get(line="home").annual_premium == home.line_premium_annual
    assert new.quotes.count() == insured.quotes.count()
    page = words(client.get(reverse("quotes:insured_detail", args=[new.pk])))
    assert "Copied from run 1, rank 1" in page


def test_another_insureds_package_cannot_be_chosen(people, client, insured):
    other = import_example("home_only.json", people["broker"]).insured
    theirs = completed_run(people["broker"], insured=other).solutions.all()[0]
    completed_run(people["broker"], insured=insured)
    for chosen in (str(theirs.pk), "rank 1", "", "99999999999999999999"):
        values = typed(client, insured) | {"in_force": chosen}
        assert client.post(renew_url(insured), values).status_code == 422
    assert not insured.renewals.exists()


def test_pressing_twice_leads_to_the_one_renewal(client, insured):
    values = typed(client, insured)
    first = client.post(renew_url(insured), values)
    second = client.post(renew_url(insured), values, follow=True)
    assert second.redirect_chain[-1][0] == first["Location"]
    assert "made once only" in words(second)
    assert insured.renewals.count() == 1
    # Opened anew it says so, and may be meant.
    page = client.get(renew_url(insured))
    assert "Renewed already" in words(page)
    client.post(renew_url(insured), form_values(page.content.decode()))
    assert insured.renewals.count() == 2


def test_a_bad_date_is_said_and_keeps_the_choice(client, insured):
    values = typed(client, insured) | {"effective_date": "soon"}
    refused = client.post(renew_url(insured), values)
    assert "New effective date: Write a date" in words(refused)
    assert form_values(refused.content.decode())["in_force"] == ["as-they-are"]


def test_both_insureds_link_to_one_another_as_far_as_one_may_see(people, client, insured):
    client.post(renew_url(insured), typed(client, insured))
    new = insured.renewals.get()
    old_page = reverse("quotes:insured_detail", args=[insured.pk])
    new_page = reverse("quotes:insured_detail", args=[new.pk])
    assert f'href="{new_page}"' in client.get(old_page).content.decode()
    assert "Renewal of" in words(client.get(new_page))
    # Given to another broker, who does not have the insured renewed.
    Insured.objects.filter(pk=new.pk).update(owner=people["other"])
    assert "Renewed as" not in words(client.get(old_page))
    theirs = signed_in(people["other"]).get(new_page).content.decode()
    assert old_page not in theirs
    assert "Renewed as" in words(signed_in(people["manager"]).get(old_page))


def test_a_quote_is_copied_to_another_carrier_and_its_form_opens(client, insured):
    quote = insured.quotes.all()[0]
    address = reverse("quotes:quote_copy", args=[quote.pk])
    assert quote.carrier_name in words(client.get(address))
    refused = client.post(address, {"carrier_name": " "})
    assert refused.status_code == 422
    assert "Write the carrier's name." in words(refused)
    response = client.post(address, {"carrier_name": "Fable Mutual"}, follow=True)
    copied = insured.quotes.get(carrier_name="Fable Mutual")
    assert response.redirect_chain[-1][0] == reverse("quotes:quote_edit", args=[copied.pk])
    assert "without its prices" in words(response)


class TestComingFromARun:
    def page(self, client: Client, run: Run) -> str:
        address = reverse("quotes:insured_detail", args=[run.insured_id])
        return words(client.get(f"{address}?from={run.pk}"))

    def test_what_changed_since_is_told(self, client, insured):
        run = queued_run(insured=insured)
        assert "Nothing changed since run 1 was sent" in self.page(client, run)
        insured.quotes.filter(carrier_name="Larkspur Mutual").delete()
        page = self.page(client, run)
        assert "Changed since run 1 was sent" in page
        assert "Larkspur Mutual home, auto and umbrella taken out" in page

    def test_a_plain_visit_tells_nothing(self, client, insured):
        queued_run(insured=insured)
        page = words(client.get(reverse("quotes:insured_detail", args=[insured.pk])))
        assert "since run" not in page

    def test_many_changes_are_folded(self, client, insured):
        run = queued_run(insured=insured)
        insured.quotes.all().delete()
        Insured.objects.filter(pk=insured.pk).update(street="1 Fable Road", city="Fable")
        page = self.page(client, run)
        assert "The rest of 6" in page


class TestWhereTheProfileCameFrom:
    def origins(self, client: Client, insured: Insured) -> str:
        page = words(client.get(reverse("quotes:insured_detail", args=[insured.pk])))
        return page.split("Where it came from", 1)[1].split("Attachments")[0]

    def test_what_was_typed_says_by_whom_and_the_rest_is_not_known(self, client, insured):
        Insured.objects.filter(pk=insured.pk).update(origins={})
        edit = reverse("quotes:insured_edit", args=[insured.pk])
        values = form_values(client.get(edit).content.decode())
        client.post(
            edit, values | {"street": "1 Fable Road", "incumbents-home-annual_premium": "6,000"}
        )
        insured.refresh_from_db()
        assert set(insured.origins) == {"street", "incumbents.home"}
        said = self.origins(client, insured)
        assert "Street 1 Fable Road Typed broker" in said
        assert "Home in force Cobblestone Mutual, $6,000 Typed broker" in said
        assert "City Huntington Beach Not known" in said

    def test_an_imported_profile_says_which_file(self, client, people):
        raw = (EXAMPLES / "home_only.json").read_bytes()
        document = reading.read_document(raw)
        origin = Origin(How.IMPORTED, where="home_only.json", by="broker")
        imported = intake.import_document(
            document=document, owner=people["broker"], origin=origin
        ).insured
        said = self.origins(client, imported)
        assert "Not known" not in said
        assert said.count("Imported from home_only.json") >= 5

    def test_a_new_insured_is_all_typed(self, client):
        new = reverse("quotes:insured_create")
        values = form_values(client.get(new).content.decode())
        place = {"applicant_name": "Ada Fiction", "state": "OH", "zip_code": "43004"}
        client.post(new, values | place | {"drivers-0-name": "Ada Fiction", "roof_year": "2020"})
        insured = Insured.objects.get(applicant_name="Ada Fiction")
        assert set(insured.origins) == {*place, "drivers", "residence"}

    def test_saving_without_a_change_marks_nothing(self, client, insured):
        before = Insured.objects.get(pk=insured.pk).origins
        edit = reverse("quotes:insured_edit", args=[insured.pk])
        client.post(edit, form_values(client.get(edit).content.decode()))
        assert Insured.objects.get(pk=insured.pk).origins == before


class TestALikelyDuplicate:
    def values(self, client: Client, **more: str) -> dict[str, Any]:
        new = reverse("quotes:insured_create")
        place = {"applicant_name": "Cora Story", "state": "CA", "zip_code": "92648"}
        return form_values(client.get(new).content.decode()) | place | more

    @pytest.mark.parametrize(
        ("more", "reason"),
        [
            ({"street": "18 Pretend Cove Ln."}, "same address"),
            ({"applicant_name": "Marigold Fairwether"}, "nearly the same name"),
            (
                {
                    "vehicles-0-year": "2023", "vehicles-0-make": "volvo",
                    "vehicles-0-model": "XC90", "vehicles-0-garaging_zip": "92648",
                },
                "same vehicle",
            ),
        ],
    )  # fmt: skip
    def test_is_pointed_out_before_saving_and_not_again_once_confirmed(
        self, client, insured, more, reason
    ):
        new, values = reverse("quotes:insured_create"), self.values(client, **more)
        refused = client.post(new, values)
        assert refused.status_code == 422
        said = words(refused)
        assert f"Marigold Fairweather, Huntington Beach, CA 92648 : {reason}" in said
        assert reverse("quotes:insured_detail", args=[insured.pk]) in refused.content.decode()
        assert Insured.objects.count() == 1
        again = form_values(refused.content.decode())
        for name, value in values.items():
            assert again[name] == value, "nothing typed is lost"
        assert client.post(new, again | {"twice": "on"}).status_code == 302
        assert Insured.objects.count() == 2

    def test_no_likeness_saves_at_once(self, client, insured):
        new = reverse("quotes:insured_create")
        assert client.post(new, self.values(client)).status_code == 302


def test_the_package_that_was_chosen_last_is_proposed(people, client, insured):
    run = completed_run(people["broker"], insured=insured)
    solution = run.solutions.all()[1]
    expired = expired_words(run, solution, timezone.now())
    choose_solution(
        run=run,
        solution=solution,
        actor=people["broker"],
        reason="Broader cover.",
        confirmed=expired,
    )
    page = client.get(renew_url(insured))
    assert f"chosen last, {solution} of run {run.number}" in words(page)
    values = form_values(page.content.decode())
    assert values["in_force"] == [str(solution.pk)]
    client.post(renew_url(insured), values)
    held = {policy.line: policy.carrier for policy in insured.renewals.get().incumbents.all()}
    assert held == {line.category: line.carrier for line in solution.lines.all()}


def test_a_renewal_is_told_from_what_it_renews_in_the_lists(client, insured):
    client.post(renew_url(insured), typed(client, insured))
    for name in ("insured_list", "worklist"):
        assert words(client.get(reverse(f"quotes:{name}"))).count("renewal, made") == 1
