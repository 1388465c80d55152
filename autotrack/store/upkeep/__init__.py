"""What keeps a store in order: clean-up, copies, checks."""
