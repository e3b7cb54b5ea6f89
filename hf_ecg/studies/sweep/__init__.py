"""Sweeps: settings of a recipe, each trained for the same time and judged on its validation folds."""
