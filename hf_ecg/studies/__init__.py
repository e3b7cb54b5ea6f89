"""Comparisons, ablations and FG-CLEP's three stages. They may import everything, and nothing imports them."""
