"""What is taken into a database: journals, batches of writers, requests."""
