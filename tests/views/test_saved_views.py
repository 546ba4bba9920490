"""Saved views of the list of runs: one's own, opened, replaced and deleted; no name in a URL."""

from __future__ import annotations

import uuid

import pytest
from django.urls import reverse

from quotes.models import SavedView
from quotes.services import saved_views
from tests import runs as made
from tests.views.pages import signed_in, words
from tests.views.run_lists import URL, ids, search, shown

pytestmark = pytest.mark.django_db
SAVE = reverse("quotes:view_save")
CODES = "state=completed&line=home&line=auto&sort=-cost"


def save(client, name: str = "Mine", codes: str = CODES, **more: str):
    return client.post(SAVE, {"name": name, "codes": codes, **more})


def act(client, deed: str, view: SavedView, **more: str):
    return client.post(reverse(f"quotes:view_{deed}", args=[view.pk]), more)


def test_a_view_keeps_filters_order_and_search_and_brings_them_back(client, people):
    run = made.completed_run(people["broker"])
    other = made.waiting_run(people["broker"], name="home_only.json")
    client.force_login(people["broker"])
    search(client, run.insured.applicant_name)
    response = save(client, codes=f"{CODES}&at=zzz&page=3&x=%3Cb%3E&since=nonsense")
    assert response["Location"] == f"{URL}?{CODES}"
    view = SavedView.objects.get()
    assert (view.codes, view.search) == (CODES, run.insured.applicant_name)
    assert "View “Mine” is saved." in words(client.get(response["Location"]))
    search(client, "")
    assert shown(client) == ids(run, other)
    response = act(client, "open", view)
    assert response["Location"] == f"{URL}?{CODES}"
    assert shown(client, CODES) == ids(run)
    assert client.session["run_search"] == run.insured.applicant_name
    assert 'aria-current="true">Mine' in client.get(f"{URL}?{CODES}").content.decode()


def test_views_are_replaced_and_deleted(client, people):
    client.force_login(people["broker"])
    save(client)
    view = SavedView.objects.get()
    search(client, "larkspur")
    response = act(client, "replace", view, codes="state=failed")
    assert response["Location"] == f"{URL}?state=failed"
    view.refresh_from_db()
    assert (view.codes, view.search) == ("state=failed", "larkspur")
    response = act(client, "delete", view, codes="state=failed")
    assert response["Location"] == f"{URL}?state=failed"
    assert not SavedView.objects.exists()
    assert "View “Mine” is deleted." in words(client.get(URL))


def test_no_view_takes_another_search_than_its_page_showed(client, people):
    client.force_login(people["broker"])
    save(client)
    view = SavedView.objects.get()
    search(client, "larkspur")
    mark = client.get(URL).context["search_mark"]
    search(client, "somebody else")
    act(client, "replace", view, codes="state=failed", searched=mark)
    assert "View “Mine” is as it was: the search was changed" in words(client.get(URL))
    save(client, "Another", searched=mark)
    assert "No view was saved: the search was changed" in words(client.get(URL))
    view.refresh_from_db()
    assert (SavedView.objects.get(), view.codes, view.search) == (view, CODES, "")


def test_what_is_wrong_with_a_name_is_said_and_what_was_shown_stays(client, people):
    client.force_login(people["broker"])
    save(client)
    for name, wrong in (
        ("", "Give the view a name."),
        ("  ", "Give the view a name."),
        ("Mine", "You have a view called “Mine” already."),
        ("n" * 61, "at most 60 characters"),
        ("a\0b", "Null characters are not allowed."),
    ):
        response = save(client, name)
        assert response.status_code == 422
        assert wrong in words(response)
        html = response.content.decode()
        assert '<details class="menu" id="menu-views" open>' in html
        assert '<option value="completed" selected>' in html
    assert SavedView.objects.count() == 1
    save(client, "<b>bold</b>")
    assert "<b>bold" not in client.get(URL).content.decode()


def test_nobody_reaches_anothers_views(client, people):
    client.force_login(people["broker"])
    save(client, "Secret view")
    view = SavedView.objects.get()
    for who in ("other", "manager", "admin"):
        client = signed_in(people[who])
        assert "Secret view" not in words(client.get(URL))
        for deed in ("open", "replace", "delete"):
            assert act(client, deed, view).status_code == 404
        save(client, "Secret view")  # a name is one's own, too
    assert act(client, "open", SavedView(pk=uuid.uuid4())).status_code == 404
    assert SavedView.objects.filter(name="Secret view").count() == 4


def test_a_view_of_a_broker_who_sees_others_no_more_narrows_to_what_they_see(client, people):
    client.force_login(people["manager"])
    save(client, codes=f"broker={people['other'].pk}&state=failed")
    view = SavedView.objects.get()
    view.owner = people["broker"]
    view.save()
    client.force_login(people["broker"])
    assert act(client, "open", view)["Location"] == f"{URL}?state=failed"


def test_there_is_an_end_to_views(client, people, monkeypatch):
    monkeypatch.setattr(saved_views, "MOST_VIEWS", 1)
    client.force_login(people["broker"])
    save(client)
    response = save(client, "Another")
    assert response.status_code == 422
    assert "Delete one you no longer use" in words(response)
