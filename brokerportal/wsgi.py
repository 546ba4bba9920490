"""What the web server imports."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from brokerportal.heap import settle
from brokerportal.pooling import share_connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "brokerportal.settings")
share_connections(settings.DATABASES["default"], most=settings.DATABASE_POOL)
application = get_wsgi_application()
settle()
