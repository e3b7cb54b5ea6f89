"""Comparisons of ways to train, by rotation over folds: what `train/compare.py` is made of."""
