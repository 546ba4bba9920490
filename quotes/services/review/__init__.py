"""What managers and brokers say to each other about a run, and who approves what is bound."""
