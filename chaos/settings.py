"""The app's settings, with one protection switched off where CHAOS_WITHOUT names it."""

from brokerportal.settings import *  # noqa: F403
from brokerportal.settings import INSTALLED_APPS as ITS_APPS

INSTALLED_APPS = [*ITS_APPS, "chaos.controls.Controls"]
