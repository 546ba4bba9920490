"""Benchmarks, run by `make bench`: `python -m bench`.

Importing this package sets Django up over a throwaway folder, so that nothing of a developer's
own data is read or written. The database is a throwaway SQLite one, or the one of DATABASE_URL,
in which the benchmarks make and drop a test database of their own.
"""

import os
import tempfile

_folder = tempfile.TemporaryDirectory(prefix="brokerportal-bench-")
os.environ["DATA_DIR"] = _folder.name
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "brokerportal.settings")
os.environ["LOG_LEVEL"] = "WARNING"
os.environ["DEBUG"] = "false"

import django  # noqa: E402

django.setup()
