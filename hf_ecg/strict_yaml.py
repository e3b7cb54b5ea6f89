"""YAML that people write: plain values only, and no key twice."""

import yaml


class _StrictLoader(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys without a word; here the second one is an error."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for position, key in enumerate(keys):
            if key in keys[:position]:
                raise ValueError(f"{node.start_mark}: the key {key!r} is given twice")
        return super().construct_mapping(node, deep=deep)


def load_yaml(text: str | bytes, source: str):
    """The value that a text holds.

    Args:
        text: YAML; bytes in UTF-8.
        source: where it came from, for the message.

    Raises:
        ValueError: a doubled key, a tag that would make more than plain values, text that is no YAML.
    """
    try:
        return yaml.load(text, Loader=_StrictLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{source} is not plain YAML: {error}") from error
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
