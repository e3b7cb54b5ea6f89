"""One folder a family: configuration, modeling, conversion of published checkpoints."""
