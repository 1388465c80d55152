"""What is read of runs: found, counted, grouped, put in order."""
