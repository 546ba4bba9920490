"""Backups of everything that is kept, database and attachments, in one file; and back again."""
