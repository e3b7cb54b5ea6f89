"""Blocks that several families use."""
