"""Which files a prepared corpus consists of: its card read as plain text, before anything that it names is opened."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from huggingface_hub import snapshot_download

from ..cards import CARD_NAME
from ..checks import nearest
from ..named_sources import DATA_SET, check_on_hub, may_be_on_hub, nearest_name, what_is_in
from ..strict_yaml import load_yaml

# PTB-XL's card with all of its classes has 40 kB.
_LARGEST_CARD = 4 * 1024**2
_FRONT_MATTER = re.compile(r"\A\s*---\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_SHARD = re.compile(r"(?P<split>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.parquet")


def corpus_folder(path, files: Iterable[str] = (CARD_NAME, "summary.json")) -> Path:
    """The folder of a prepared corpus; of one on the Hub, the local copy of the named files, fetched when absent.

    Args:
        path: folder, or Hub id.
        files: patterns of what is wanted of a corpus on the Hub.

    Raises:
        OSError: the folder is not there or holds no prepared corpus, or the Hub does not have it.
    """
    folder = Path(path)
    if folder.is_dir():
        _check_folder(folder)
        return folder
    near = nearest_name(str(path))
    if str(path).count("/") != 1 or not may_be_on_hub(str(path)):
        raise FileNotFoundError(
            f"{path} is not a folder here{near}, and cannot be on the Hub, where a data set is named OWNER/NAME"
        )
    check_on_hub(str(path), DATA_SET, here=near)
    folder = Path(snapshot_download(str(path), repo_type="dataset", allow_patterns=list(files)))
    if not (folder / CARD_NAME).is_file():
        raise FileNotFoundError(f"the data set {path} holds no prepared corpus: there is no {CARD_NAME}")
    return folder


def _check_folder(folder: Path) -> None:
    """Raises OSError, which says what the folder is, where it is not a prepared corpus."""
    if (folder / CARD_NAME).is_file() and not folder.name.endswith(".incomplete"):
        return
    inside = sorted(str(path.parent) for path in folder.glob("*/summary.json"))
    if (folder / "config.json").is_file():
        found = f"{folder} is the folder of a model and holds no prepared corpus"
    elif inside:
        found = f"{folder} holds no prepared corpus itself, but there are {', '.join(inside[:5])}: name one of them"
    else:
        found = f"{folder} {what_is_in(folder)}, and holds no prepared corpus (`hf-ecg prepare` makes one)"
    raise FileNotFoundError(f"{found}: there is no {CARD_NAME} with its configurations")


def card_configs(folder: Path, name) -> dict[str, dict[str, list[str]]]:
    """Configuration -> split -> patterns of its files, as the card says; nothing else is looked at.

    Args:
        folder: with the card, see `corpus_folder`.
        name: what the errors call the corpus.

    Raises:
        ValueError: a card that is not UTF-8 text, has no front matter with configurations, or names anything but
            files inside its folder: addresses (https://, hf:// and the like), other folders.
    """
    entries = _front_matter(folder / CARD_NAME, name).get("configs")
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"{name}: {CARD_NAME} names no configurations, wanted a list under `configs:`")
    configs = {}
    for entry in entries:
        config = entry.get("config_name") if isinstance(entry, Mapping) else None
        if not isinstance(config, str) or not config:
            raise ValueError(f"{name}: {CARD_NAME} has a configuration without config_name: {str(entry)[:200]}")
        if config in configs:
            raise ValueError(f"{name}: {CARD_NAME} has two configurations {config!r}")
        if entry.get("data_dir") is not None:
            raise ValueError(f"{name}: the configuration {config!r} has a data_dir, wanted data_files alone")
        configs[config] = _patterns(entry.get("data_files"), config, name)
    return configs


def pick_config(configs: Mapping, config: str | None, name) -> str:
    """The configuration that is meant: the one named, or the only one.

    Raises:
        ValueError: several configurations and none named, or an unknown one.
    """
    names = list(configs)
    if config is None and len(names) > 1:
        raise ValueError(f"{name} has the configurations {names}: name one")
    if config is not None and config not in names:
        raise ValueError(f"{name} has no configuration {config!r}{nearest(config, names)}, only {names}")
    return config or names[0]


def split_files(folder: Path, patterns: Mapping[str, list[str]], name) -> dict[str, list[Path]]:
    """The files of each split, in the order of their names.

    Args:
        folder: of the corpus.
        patterns: split -> patterns, see `card_configs`.
        name: the folder, or the Hub id that it is a copy of.

    Raises:
        ValueError: a pattern that nothing fits, a link that leaves the folder, or a shard that is not there although
            the others are numbered with it.
    """
    # in the Hub's cache a file is a link from snapshots/COMMIT into blobs/
    root = folder if Path(name).is_dir() else folder.parents[1]
    found: dict[str, list[Path]] = {}
    for split, wanted in patterns.items():
        files: list[Path] = []
        for pattern in wanted:
            matching = sorted(path for path in folder.glob(pattern) if path.suffix == ".parquet" and path.is_file())
            if not matching:
                raise ValueError(
                    f"{name}: {CARD_NAME} names {pattern} for the split {split}, and no parquet file fits that"
                )
            files += [path for path in matching if path not in files]
        for path in files:
            if not path.resolve().is_relative_to(root.resolve()):
                raise ValueError(f"{name}: {path.relative_to(folder)} is a link to {path.resolve()}, outside of it")
        _check_numbers(files, name)
        found[split] = files
    return found


def _front_matter(card: Path, name) -> Mapping:
    size = card.stat().st_size
    if size > _LARGEST_CARD:
        raise ValueError(f"{name}: {CARD_NAME} has {size} bytes, wanted a card of at most {_LARGEST_CARD}")
    try:
        text = card.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name}: {CARD_NAME} is not text in UTF-8: {error}") from error
    match = _FRONT_MATTER.match(text)
    if match is None:
        raise ValueError(f"{name}: {CARD_NAME} has no front matter (between two lines ---), wanted its `configs:`")
    front = load_yaml(match[1], f"the front matter of {card}")
    if not isinstance(front, Mapping):
        raise ValueError(f"{name}: the front matter of {CARD_NAME} is a {type(front).__name__}, wanted names: values")
    return front


def _patterns(data_files, config: str, name) -> dict[str, list[str]]:
    """`data_files` of a card in any of the forms that datasets takes."""
    if isinstance(data_files, str) or (isinstance(data_files, list) and all(isinstance(x, str) for x in data_files)):
        data_files = [{"split": "train", "path": data_files}]
    if isinstance(data_files, Mapping):
        data_files = [{"split": split, "path": path} for split, path in data_files.items()]
    if not isinstance(data_files, list) or not data_files:
        raise ValueError(f"{name}: the configuration {config!r} names no data_files in {CARD_NAME}")
    splits: dict[str, list[str]] = {}
    for entry in data_files:
        split, paths = (entry.get("split"), entry.get("path")) if isinstance(entry, Mapping) else (None, None)
        paths = [paths] if isinstance(paths, str) else paths
        if not isinstance(split, str) or not isinstance(paths, list) or not paths or split in splits:
            raise ValueError(
                f"{name}: data_files of the configuration {config!r} hold {str(entry)[:200]}, wanted each split once"
                " with its path"
            )
        for path in paths:
            _check_pattern(path, name)
        splits[split] = paths
    return splits


def _check_pattern(path, name) -> None:
    if not isinstance(path, str) or not path or "\0" in path:
        raise ValueError(f"{name}: {CARD_NAME} names the file {path!r}, wanted a path inside the folder")
    parts = PurePosixPath(path.replace("\\", "/")).parts
    if "::" in path or "://" in path or path.startswith("~") or parts[:1] == ("/",) or ".." in parts:
        raise ValueError(f"{name}: {CARD_NAME} names {path}, which is outside the folder")


def _check_numbers(files: list[Path], name) -> None:
    """Shards say in their names how many they are."""
    shards: dict[tuple[Path, str], dict[int, set[int]]] = {}
    for path in files:
        if match := _SHARD.fullmatch(path.name):
            there = shards.setdefault((path.parent, match["split"]), {})
            there.setdefault(int(match["count"]), set()).add(int(match["number"]))
    for (folder, split), there in shards.items():
        if len(there) > 1:
            raise ValueError(
                f"{name}: {folder.name} holds shards of {split} of several corpora, of {sorted(there)} shards each"
            )
        for count, numbers in there.items():
            absent = sorted(set(range(count)) - numbers)
            if absent:
                raise ValueError(
                    f"{name}: the shard {folder.name}/{split}-{absent[0]:05d}-of-{count:05d}.parquet is not there"
                    + (f", and {len(absent) - 1} more" if len(absent) > 1 else "")
                )
