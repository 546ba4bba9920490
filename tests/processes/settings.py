"""The app's own settings, for processes that a test halts on their way."""

from brokerportal.settings import *  # noqa: F403
from brokerportal.settings import INSTALLED_APPS as ITS_APPS

INSTALLED_APPS = [*ITS_APPS, "tests.processes.halts.Halts"]
