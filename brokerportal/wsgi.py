"""What the web server imports."""

import os

from django.core.wsgi import get_wsgi_application

from brokerportal.heap import settle

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "brokerportal.settings")
application = get_wsgi_application()
settle()
