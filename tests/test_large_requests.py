"""A request larger than any form is refused before its body is read."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db


class Unread(io.BytesIO):
    """A body that must stay unread."""

    def read(self, *args: object) -> bytes:
        raise AssertionError("the body was read")


def post(client: Client, size: int, body: io.BytesIO):
    extra: Any = {"wsgi.input": body, "CONTENT_LENGTH": str(size)}
    kind = "multipart/form-data; boundary=x"
    return client.generic("POST", reverse("quotes:insured_create"), content_type=kind, **extra)


def test_too_large_is_said_and_not_read(people, settings):
    client = Client()
    client.force_login(people["broker"])
    response = post(client, settings.LARGEST_UPLOAD + 1, Unread())
    assert response.status_code == 413
    assert "more than 105 MB" in response.content.decode()


def test_nobody_sends_files_without_signing_in(settings):
    response = post(Client(), settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1, Unread())
    assert response.status_code == 413


def test_a_length_that_is_no_number_is_no_way_around(people):
    client = Client()
    client.force_login(people["broker"])
    response = client.generic("POST", reverse("quotes:insured_create"), b"", CONTENT_LENGTH="lots")
    assert response.status_code in {400, 422}
