"""The second factor's pages: at the door, setting one up, and taking a lost one away.

allauth decides; what stands here are our pages around it, and what it leaves open: secrets are
sealed at rest, a code works once, whoever needs a second factor reaches nothing without one.
"""
