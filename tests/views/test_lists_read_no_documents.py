"""Lists show columns: the documents beside them may be large, and no list reads one."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import runs as made
from tests.factories import import_example
from tests.views.pages import signed_in

pytestmark = pytest.mark.django_db

DOCUMENT = re.compile(
    r'"(document|body_document|offering_document|request|request_body|response|response_body'
    r'|error_details|scorecard)"'
)


@pytest.mark.parametrize("role", ["broker", "manager"])
@pytest.mark.parametrize("address", ["/", "/insureds/", "/runs/"])
def test_no_list_reads_a_document(people, role, address):
    insured = import_example(owner=people["broker"]).insured
    for make in (made.waiting_run, made.completed_run, made.lost_run):
        make(people["broker"], insured=insured)
    visitor = signed_in(people[role])
    with CaptureQueriesContext(connection) as seen:
        page = visitor.get(address)
    assert insured.shown_name in page.content.decode()
    read = [query["sql"].split(" FROM ")[0] for query in seen]
    assert not [columns for columns in read if DOCUMENT.search(columns)]
