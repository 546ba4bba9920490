"""A server process sets aside what it loaded, and has loaded all of it by then."""

import json
import os
import subprocess
import sys

PROBE = """
import gc, json, sys
import brokerportal.wsgi
print(json.dumps({"set_aside": gc.get_freeze_count(), "views": "quotes.views.runs" in sys.modules}))
"""


def test_what_is_loaded_once_is_not_walked_again() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", PROBE], check=True, capture_output=True, env=os.environ, text=True
    )
    told = json.loads(answer.stdout)
    assert told["views"]
    assert told["set_aside"] > 50_000
