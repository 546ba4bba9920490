"""Thousands of runs in flight on one worker process, and hundreds started at once.

`python -m bench.watching` measures our watcher, a bare asyncio loop over the same transport, and
the integration guide's own sample loop as a queue's task, against a Nexio of its own on loopback.
"""
