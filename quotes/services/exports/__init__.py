"""A run's comparison as a table to take along: CSV and XLSX."""
