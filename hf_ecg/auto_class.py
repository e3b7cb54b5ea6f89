"""What keeps transformers from copying single source files of this package beside saved models."""


class NoSourceCopies:
    """First base of the classes that a repository's `auto_map` may lead to (see `hf_ecg.hub.shim`).

    transformers marks a class that it found through an `auto_map`, and from then on `save_pretrained` copies the file
    that the class stands in. Here that would be half of the sources: their imports lead to other folders.
    """

    @classmethod
    def register_for_auto_class(cls, auto_class=None) -> None:
        """Does nothing: a model of this package is published without sources, or with the shim."""
