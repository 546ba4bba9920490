"""What the app does, one verb a function. Pages, commands and tasks call these."""
