"""Tables and documents from outside become insureds and quotes: read, matched, planned, written."""
