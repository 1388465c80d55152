"""Layer 0: probes, runs, the journal. Standard library, pluggy and wrapt only; never SQL, web or a target library."""
