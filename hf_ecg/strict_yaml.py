"""YAML that people write: plain values only, no key twice, and nothing that unfolds without end."""

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

# A recipe has some 200 values at most six deep, the longest prompt set some 500.
MOST_VALUES = 100_000
DEEPEST = 50


class _Strict(Composer, SafeConstructor):
    """PyYAML keeps the last of two equal keys without a word; here the second one is an error.

    Aliases are counted as often as they stand there: nine of them nine times over make nine to the ninth values, which
    whatever walks or prints them has to go through.
    """

    depth = 0

    def compose_node(self, parent, index):
        self.depth += 1
        if self.depth > DEEPEST:
            raise ValueError(f"values are nested deeper than {DEEPEST}")
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def get_single_node(self):
        node = super().get_single_node()
        if node is not None and _size(node, {}) > MOST_VALUES:
            raise ValueError(f"there are more than {MOST_VALUES} values, aliases unfolded")
        return node

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            value = self.construct_object(key, deep=True)
            try:
                twice = value in seen
                seen.add(value)
            except TypeError as error:
                raise ValueError(f"{key.start_mark}: a key is a {type(value).__name__}, wanted a name") from error
            if twice:
                raise ValueError(f"{node.start_mark}: the key {value!r} is given twice")
        return super().construct_mapping(node, deep=deep)


class _StrictLoader(_Strict, yaml.SafeLoader):
    """Slow, and its errors show the place in the text."""


if yaml.__with_libyaml__:
    from yaml.cyaml import CParser

    class _FastLoader(_Strict, CParser, Resolver):
        """The same values from libyaml's events in a fifth of the time."""

        def __init__(self, text):
            CParser.__init__(self, text)
            Composer.__init__(self)
            SafeConstructor.__init__(self)
            Resolver.__init__(self)


def _load(text: str | bytes):
    if yaml.__with_libyaml__:
        try:
            return yaml.load(text, Loader=_FastLoader)
        except (yaml.YAMLError, ValueError):
            pass  # told by the other one
    return yaml.load(text, Loader=_StrictLoader)


def _size(node: yaml.Node, known: dict[int, int | None]) -> int:
    """Values under a node, aliases unfolded; `known` holds those counted, and None for those being counted."""
    if id(node) in known:
        if known[id(node)] is None:
            raise ValueError(f"{node.start_mark}: a value holds itself by an alias")
        return known[id(node)]
    known[id(node)] = None
    children = node.value if isinstance(node, yaml.CollectionNode) else ()
    size = 1 + sum(
        _size(part, known) for child in children for part in (child if isinstance(child, tuple) else (child,))
    )
    known[id(node)] = size
    return size


def load_yaml(text: str | bytes, source: str):
    """The value that a text holds.

    Args:
        text: YAML; bytes in UTF-8.
        source: where it came from, for the message.

    Raises:
        ValueError: a doubled key, a tag that would make more than plain values, text that is not YAML, more than
            100,000 values (aliases unfolded) or 50 levels of them.
    """
    try:
        return _load(text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{source} is not plain YAML: {error}") from error
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
