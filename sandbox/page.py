"""The page at ``/``: what this is and which failures it can play."""

from html import escape

from sandbox.scenarios import SCENARIOS
from sandbox.wire import Reply


def home_page() -> Reply:
    """Plain HTML: no script, no style, nothing loaded."""
    rows = "\n".join(
        f"<tr><td><code>{escape(scenario.name)}</code></td><td>{escape(scenario.summary)}</td></tr>"
        for scenario in SCENARIOS.values()
    )
    html = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Nexio sandbox</title>
<h1>Nexio sandbox</h1>
<p>A stand-in for the Nexio ranking service, for trying and testing. It is not Nexio: its scores,
labels and limits are invented, and nothing sent here leaves this machine.</p>
<pre>POST /api/v1/jobs            Authorization: Bearer nx_test_…
GET  /api/v1/jobs/&lt;run_id&gt;</pre>
<h2>Failures on request</h2>
<p>Set <code>input.sandbox_scenario</code> to one of these, or name the applicant
&ldquo;Sandbox&rdquo; and the scenario, such as &ldquo;Sandbox failed&rdquo;.</p>
<table>
<tr><th>Scenario</th><th>What happens</th></tr>
{rows}
</table>
</html>
"""
    policy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    return Reply(
        200,
        html.encode("utf-8"),
        "text/html; charset=utf-8",
        {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"},
    )
