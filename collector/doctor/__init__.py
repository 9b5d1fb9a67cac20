"""What an operator can check of a data directory: that it holds nothing that identifies."""
