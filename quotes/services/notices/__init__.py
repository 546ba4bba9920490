"""Notices: what people should know of their runs, written once, shown in the inbox, mailed."""
