"""What a run's own broker may do on its page, and what nobody else may."""

from __future__ import annotations

import uuid

import pytest
from django.urls import reverse

from quotes.models import Run, RunState
from quotes.services import runs as acts
from tests import runs as made
from tests.views.test_runs import fragment, page, post, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker(people, client):
    client.force_login(people["broker"])
    return people["broker"]


def test_abandoning_needs_a_reason_and_keeps_what_was_typed(client, broker):
    run = made.lost_run(broker)
    response = post(client, "run_abandon", run, reason="no")
    assert response.status_code == 422
    html = response.content.decode()
    assert 'href="#abandon_reason"' in html
    assert 'value="no"' in html
    for reason in ("x" * 501, "a\0bc", "   "):
        assert post(client, "run_abandon", run, reason=reason).status_code == 422
    run.refresh_from_db()
    assert run.state == RunState.SUBMIT_UNKNOWN


def test_abandoning(client, broker):
    run = made.waiting_run(broker)
    response = client.post(
        reverse("quotes:run_abandon", args=[run.pk]), {"reason": "Moved away."}, follow=True
    )
    text = words(response.content.decode())
    assert "This run was abandoned" in text
    assert "Given up: Moved away." in text
    assert f"By {broker.shown_name}" in text


def test_resubmitting_links_both_attempts(client, broker):
    run = made.lost_run(broker)
    response = post(client, "run_resubmit", run, reason="Support found nothing.")
    again = Run.objects.get(resubmission_of=run)
    assert response["Location"] == reverse("quotes:run_detail", args=[again.pk])
    assert f'Sent again from <a href="{reverse("quotes:run_detail", args=[run.pk])}">' in page(
        client, again
    )
    assert reverse("quotes:run_detail", args=[again.pk]) in page(client, run)


def test_linking_a_run_id(client, broker):
    run = made.lost_run(broker)
    bad = post(client, "run_link", run, run_id="../keys", reason="From support.")
    assert bad.status_code == 409
    assert "That is not a run_id" in words(bad.content.decode())
    assert 'value="From support."' in bad.content.decode()
    assert post(client, "run_link", run, run_id="", reason="From support.").status_code == 422
    good = post(client, "run_link", run, run_id="nx-found", reason="From support.")
    assert good.status_code == 302
    run.refresh_from_db()
    assert (run.state, run.nexio_run_id) == (RunState.WAITING, "nx-found")


def test_resuming(client, broker):
    run = made.unreadable_run(broker)
    assert post(client, "run_resume", run).status_code == 302
    run.refresh_from_db()
    assert run.state == RunState.WAITING


def test_sending_again_once(client, broker):
    run = made.rejected_run(broker)
    assert post(client, "run_send_again", run).status_code == 302
    again = post(client, "run_send_again", run)
    assert again.status_code == 409
    assert "is under way" in words(again.content.decode())
    assert run.resubmissions.count() == 1


def test_sending_again_what_nexio_may_have_needs_a_reason(client, broker):
    run = made.lost_run(broker)
    acts.abandon_run(run=run, actor=broker, reason="Support is away.")
    html = page(client, run)
    assert 'id="send_again_reason"' in html
    assert "Nexio may have it from an earlier attempt" in words(html)
    bare = post(client, "run_send_again", run)
    assert bare.status_code == 422
    assert 'href="#send_again_reason"' in bare.content.decode()
    assert not run.resubmissions.exists()
    assert post(client, "run_send_again", run, reason="Support found none.").status_code == 302
    assert run.resubmissions.count() == 1
    assert "Support found none." in words(page(client, run))


def test_sending_again_what_nexio_refused_needs_none(client, broker):
    assert 'id="send_again_reason"' not in page(client, made.rejected_run(broker))


@pytest.mark.parametrize(
    "name", ["run_abandon", "run_resubmit", "run_link", "run_resume", "run_send_again"]
)
def test_too_late_is_a_warning_on_the_page(client, broker, name):
    run = made.completed_run(broker)
    response = post(client, name, run, reason="Too late.", run_id="nx-1")
    assert response.status_code == 409
    html = response.content.decode()
    assert "notice--warning" in html
    assert "Ranked packages" in html


@pytest.mark.parametrize("role", ["other", "manager", "admin"])
@pytest.mark.parametrize(
    "name", ["run_abandon", "run_resubmit", "run_link", "run_resume", "run_send_again"]
)
def test_nobody_else_acts(client, people, role, name):
    run = made.lost_run(people["broker"])
    client.force_login(people[role])
    assert post(client, name, run, reason="Not mine.", run_id="nx-1").status_code == 404
    run.refresh_from_db()
    assert run.state == RunState.SUBMIT_UNKNOWN
    assert client.get(reverse(f"quotes:{name}", args=[run.pk])).status_code == 405


def test_anothers_run_is_absent(client, people):
    run = made.waiting_run(people["broker"])
    client.force_login(people["other"])
    assert client.get(reverse("quotes:run_detail", args=[run.pk])).status_code == 404
    assert fragment(client, run).status_code == 404
    assert client.get(reverse("quotes:run_detail", args=[uuid.uuid4()])).status_code == 404


@pytest.mark.parametrize("role", ["manager", "admin"])
def test_managers_and_admins_only_read(client, people, role):
    client.force_login(people[role])
    for make in (made.lost_run, made.waiting_run, made.unreadable_run, made.rejected_run):
        html = page(client, make(people["broker"]))
        assert "/abandon/" not in html
        assert "/send-again/" not in html
        assert "/resume/" not in html


def test_a_run_of_nobody_is_read_by_admins(client, people):
    run = made.lost_run(None)
    client.force_login(people["manager"])
    assert client.get(reverse("quotes:run_detail", args=[run.pk])).status_code == 404
    client.force_login(people["admin"])
    assert "belongs to nobody" in words(page(client, run))


def test_actions_are_refused_while_it_is_being_sent(client, broker):
    run = made.submitting_run(broker)
    response = post(client, "run_abandon", run, reason="Stop it.")
    assert response.status_code == 409
    assert "being sent this moment" in words(response.content.decode())
    with pytest.raises(acts.NotPossible):
        acts.abandon_run(run=run, actor=broker, reason="Stop it.")
