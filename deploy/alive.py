"""The container's health check: exit status 0 while the web process answers."""

import http.client
import os
import sys

# By a name that it knows: a request for another would be refused, and logged.
host = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().removeprefix(".") or "localhost"
port = int(os.environ.get("WEB_BIND", "").rpartition(":")[2] or 8000)
try:
    web = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    web.request("GET", "/healthz", headers={"Host": host})
    sys.exit(web.getresponse().status != 200)
except OSError as error:
    sys.exit(f"no answer: {error}")
