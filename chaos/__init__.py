"""Proof under fire: runs through real workers and a faulty Nexio while processes are killed.

`make chaos` starts a stand-in that misbehaves by a seeded script and keeps a journal of every
request (`peer`), two workers, and a thousand runs (`storm`); kills processes by their pids
(`processes`); and then holds the journal against the database (`checking`).
"""
