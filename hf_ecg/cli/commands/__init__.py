"""One module a command: its options, and a body that imports what it needs."""
