"""The web server in production: gunicorn --config deploy/gunicorn.conf.py

Everything that differs between installations comes from the environment, as in README.md.
"""

import sys
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from brokerportal.environment import read_environment
from brokerportal.logs import logging_dict

try:
    environment = read_environment()
except ImproperlyConfigured as error:
    sys.exit(str(error))

wsgi_app = "brokerportal.wsgi"
bind = environment.WEB_BIND or f"127.0.0.1:{environment.PORT}"
workers = environment.WEB_PROCESSES
threads = environment.WEB_THREADS
worker_class = "gthread"
# Not preloaded: each process makes its own pool of connections after it was forked.
preload_app = False
# Longer than the proxy keeps an idle connection, so that it never sends into one that closes.
keepalive = 75
graceful_timeout = 30
# No second way in: nothing here is commanded but by signals and by its supervisor.
control_socket_disable = True
# Heartbeats in memory: on a disk that is slow for a moment a healthy process would be killed.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
# Its own lines as those of the app: JSON in production, and no second log of addresses.
accesslog = None
logconfig_dict = logging_dict(level=environment.LOG_LEVEL, as_json=environment.production)
logconfig_dict["loggers"] |= {
    "gunicorn.error": {"level": environment.LOG_LEVEL, "handlers": [], "propagate": True},
    "gunicorn.access": {"level": "ERROR", "handlers": [], "propagate": False},
}
