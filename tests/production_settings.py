"""Production's settings without TLS and without a second factor, with static files gathered in a
folder of the test's own."""

import os
from pathlib import Path

from brokerportal.settings import *  # noqa: F403

STATIC_ROOT = Path(os.environ["TEST_STATIC_ROOT"])
SECOND_FACTOR = "optional"
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "sessionid", "csrftoken"
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False
