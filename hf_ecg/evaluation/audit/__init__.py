"""For whom a model works less well, and whether its test rows were in its training."""
