"""Version of the package, written into every saved configuration."""

__version__ = "0.1.0"
