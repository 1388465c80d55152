"""Layer 0: probes, runs, the journal. Standard library and pluggy only; never SQL, web or a target library."""
