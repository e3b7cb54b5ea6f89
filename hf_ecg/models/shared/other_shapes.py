"""Why weights do not fit into a model: which ones, and whether its file or the caller said otherwise."""

import inspect
from collections.abc import Callable

from transformers.configuration_utils import PreTrainedConfig

# fields that say nothing of a shape
_SILENT = {"_name_or_path", "architectures", "dtype", "hf_ecg_version", "id2label", "label2id", "transformers_version"}


def describe_other_shapes(load: Callable, config_class: type[PreTrainedConfig], source, options: dict) -> str:
    """One sentence for the error.

    Args:
        load: `from_pretrained` of transformers, which is asked again to tell the weights that do not fit.
        config_class: of the model.
        source: folder or Hub id.
        options: what the caller gave besides.
    """
    options = {key: value for key, value in options.items() if key != "ignore_mismatched_sizes"}
    try:
        _, info = load(source, output_loading_info=True, ignore_mismatched_sizes=True, **options)
        found = [f"{key} {tuple(stored)}, wanted {tuple(wanted)}" for key, stored, wanted in info["mismatched_keys"]]
        named = "; ".join(sorted(found)[:3])
    except (RuntimeError, TypeError, ValueError):
        named = "the report above names them"
    said = _said_otherwise(config_class, source, options)
    if not said:
        return f"{source}: its weights have other shapes than its config.json gives: {named}"
    return (
        f"{source}: its weights have other shapes than a model with {', '.join(said)}: {named};"
        " ignore_mismatched_sizes=True draws these weights anew"
    )


def _said_otherwise(config_class: type[PreTrainedConfig], source, options: dict) -> list[str]:
    """The fields that the caller gave another value than the file."""
    hub = ("cache_dir", "revision", "token", "subfolder", "local_files_only")
    stored = config_class.from_pretrained(source, **{key: options[key] for key in hub if key in options})
    given = options.get("config")
    if not isinstance(given, PreTrainedConfig):
        fields = {"num_labels", "id2label", *inspect.signature(config_class.__init__).parameters}
        changes = {key: value for key, value in options.items() if key in fields}
        given = config_class.from_dict(stored.to_dict(), **changes)
    before, after = ({"num_labels": one.num_labels, **one.to_dict()} for one in (stored, given))
    changed = [key for key in after if key not in _SILENT and after[key] != before.get(key)]
    return [f"{key}={after[key]!r} (its config.json: {before.get(key)!r})" for key in changed]
