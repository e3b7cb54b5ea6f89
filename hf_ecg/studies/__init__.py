"""Comparisons, ablations, FG-CLEP's three stages, the demonstration: import everything, nothing imports them."""
