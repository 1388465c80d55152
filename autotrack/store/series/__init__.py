"""Points of metrics: packed into chunks, appended, summed up."""
