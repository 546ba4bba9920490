"""Nothing in Django admin can name code to run, and no page of it loosens the policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from quotes.admin import site
from quotes.models import Role
from quotes.services.roles import ensure_roles
from quotes.services.runs import wake_worker
from tests.factories import make_user, queued_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> Client:
    ensure_roles()
    visitor = Client()
    visitor.force_login(make_user("root", Role.ADMIN, is_staff=True, is_superuser=True))
    return visitor


def every_view(resolver: Any = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for entry in (resolver or get_resolver()).url_patterns:
        where = f"{prefix}{entry.pattern}"
        if isinstance(entry, URLResolver):
            yield from every_view(entry, where)
        else:
            yield where, entry.callback


def sites_behind(view: Any) -> set[Any]:
    """Admin sites that a view belongs to, through its wrappers' closures."""
    found, queue, seen = set(), [view], set()
    while queue:
        each = queue.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        owner = getattr(each, "__self__", None)
        for one in (each, owner, getattr(owner, "admin_site", None)):
            if isinstance(one, admin.AdminSite):
                found.add(one)
        queue += [cell.cell_contents for cell in getattr(each, "__closure__", None) or ()]
        further = ("__wrapped__", "model_admin", "admin_site", "__func__")
        queue += [getattr(each, name) for name in further if hasattr(each, name)]
    return found


def test_only_our_models_and_the_groups_are_registered():
    labels = {model._meta.app_label for model in site._registry}
    assert labels <= {"quotes", "auth"}
    # The queue registers itself with Django's own site, which has no address.
    assert {model._meta.app_label for model in admin.site._registry} >= {"django_q"}


def test_no_address_leads_to_djangos_own_site_or_to_the_queue():
    views = list(every_view())
    assert len(views) > 100
    behind = {where: sites_behind(view) for where, view in views if where.startswith("admin/")}
    assert {one for found in behind.values() for one in found} == {site}
    assert not [where for where, _ in views if "django_q" in where or "ormq" in where]


def test_a_superuser_cannot_reach_the_queue(root):
    wake_worker()
    from django_q.models import OrmQ

    task = OrmQ.objects.get()
    before = OrmQ.objects.values().get()
    for model in ("ormq", "schedule", "success", "failure", "task"):
        for page in ("", "add/", f"{task.pk}/change/", f"{task.pk}/delete/"):
            address = f"/admin/django_q/{model}/{page}"
            assert root.get(address).status_code == 404
            assert root.post(address, {"payload": "x", "func": "os.system"}).status_code == 404
    assert OrmQ.objects.values().get() == before


def test_the_default_policy_holds_on_every_page(root):
    run = queued_run()
    addresses = [
        reverse("admin:index"),
        reverse("admin:app_list", kwargs={"app_label": "quotes"}),
        reverse("admin:password_change"),
        reverse("admin:jsi18n"),
        reverse("quotes:operations"),
        reverse("quotes:operations_run", args=[run.pk]),
        "/admin/no/such/page/",
        "/readyz",
    ]
    for model in site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        addresses += [reverse(f"{name}_changelist"), reverse(f"{name}_add")]
        row = model._default_manager.first()
        if row is not None:
            addresses += [
                reverse(f"{name}_{page}", args=[row.pk]) for page in ("change", "history", "delete")
            ]
    expected = root.get("/")["Content-Security-Policy"]
    assert "unsafe" not in expected
    for address in addresses:
        policy = root.get(address).get("Content-Security-Policy", "")
        assert sorted(policy.split("; ")) == sorted(expected.split("; ")), address


def test_the_index_leads_to_operations(root):
    assert reverse("quotes:operations") in root.get(reverse("admin:index")).content.decode()
