"""A stand-in for the Nexio ranking service, for trying and testing a consumer without a key.

Its own program: it speaks HTTP only, needs the standard library only, and shares no code with
the application. ``README.md`` beside this file says what it imitates and what is invented.
"""
