"""Figures and their intervals, as functions of arrays."""
