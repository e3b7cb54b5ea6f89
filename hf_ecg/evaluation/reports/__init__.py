"""Results as JSON, as Markdown pages and as sections of a card."""
