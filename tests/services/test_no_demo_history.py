"""When the demo's invented past is not written."""

import pytest

from quotes.models import Run
from quotes.services import demo
from tests.factories import queued_run

pytestmark = pytest.mark.django_db


def test_there_is_none_without_the_demo_and_none_over_runs():
    assert demo.load_past() == 0
    queued_run()
    demo.load_demo()
    assert demo.load_past() == 0
    assert Run.objects.count() == 1
