"""What must stay, and what goes when its time is over."""
