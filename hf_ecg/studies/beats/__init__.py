"""Beats of MIT-BIH told apart: between patients, and within them, which is leaky."""
