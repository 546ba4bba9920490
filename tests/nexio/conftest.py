"""The fake for the tests of the wire."""

from tests.fake_nexio import fake_nexio

__all__ = ["fake_nexio"]
