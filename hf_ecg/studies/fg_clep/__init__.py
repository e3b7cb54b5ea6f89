"""FG-CLEP's three stages as one command."""
