"""A package, not only a folder: dependencies install a top-level `tests` of their own, which would go before it."""
