"""What-if: our own arithmetic over a run's frozen request, which Nexio never ranked."""
