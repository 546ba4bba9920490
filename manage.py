#!/usr/bin/env python
"""The project's command line: `manage.py help` lists every command."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "brokerportal.settings")
    try:
        from django.conf import settings
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("Django is not installed in this Python. Run `make install`, or `make run`.")
    try:
        _ = settings.INSTALLED_APPS
    except ImproperlyConfigured as error:
        if sys.argv[1:] == ["make_data_key"]:
            # Production's settings are unusable without a key, and this is where one comes from.
            from brokerportal.data_keys import make_key

            sys.stdout.write(f"{make_key()}\n")
            return
        # The message lists what is wrong; a traceback would only bury it.
        sys.exit(f"{error}")
    try:
        execute_from_command_line(sys.argv)
    except Exception as error:
        # A data key that is missing, or a row changed past the app: the message says what to do.
        # Not imported before there was a need: whatever raised it has.
        sealing = sys.modules.get("quotes.models.sealing")
        if sealing is not None and isinstance(error, sealing.Unopened):
            sys.exit(f"{error}")
        raise


if __name__ == "__main__":
    main()
