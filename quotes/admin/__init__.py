"""Django admin: people and carriers to keep in order, and history to read.

The site lists what is registered here and nothing else. Django's own default site, where other
apps register themselves (the queue's would let a person name a function to run), has no address.
"""

from quotes.admin import carriers, decisions, insureds, offices, people, roles, runs
from quotes.admin.site import site

__all__ = ["carriers", "decisions", "insureds", "offices", "people", "roles", "runs", "site"]
