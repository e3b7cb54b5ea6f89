"""How well a model completes the twelve leads, beside linear regressions, lead by lead."""
