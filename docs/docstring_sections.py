"""Lets the site read the docstrings as they are written: a single "Example:" is a section of examples."""

import re

import griffe


class DocstringSections(griffe.Extension):
    """Renames "Example:" before Google's sections are parsed, where a plural is expected."""

    def on_object(self, *, obj: griffe.Object, **kwargs) -> None:
        """Called for every class and function that is read."""
        if obj.docstring is not None:
            obj.docstring.value = re.sub(r"^( *)Example:$", r"\1Examples:", obj.docstring.value, flags=re.MULTILINE)
