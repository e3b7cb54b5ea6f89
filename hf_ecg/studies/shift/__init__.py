"""Which training holds when the population changes: a simulation with a known answer, and a corpus."""
