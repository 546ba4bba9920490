"""What it costs to write: an import, a reply, a proposal and a long export, each at four sizes and
against the straightforward way. `python -m bench.writes`.

Costs are processor time, the database's own included: others may use the machine meanwhile. Both
ways of a part take turns, and what is written is rolled back.
"""
