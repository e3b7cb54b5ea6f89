"""Simplicity bias: whether a model leans on the cue that is easiest to learn, and what it is worth without it."""
