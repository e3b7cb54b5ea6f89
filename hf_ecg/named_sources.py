"""What somebody's name for a model or a corpus may stand for: a folder that is there, or a repository of the Hub.

Asked once and without retries, before anything is loaded: transformers and datasets try an address for half a minute
where a path is misspelt.
"""

import difflib
import re
from functools import lru_cache
from pathlib import Path

from .checks import NEAR

# one question to the Hub, in seconds
TIMEOUT = 10
MODEL, DATA_SET = "model", "dataset"
_WORDS = {MODEL: "model", DATA_SET: "data set"}
_PART = r"[A-Za-z0-9](?:[\w.-]{0,94}[A-Za-z0-9_])?"
_ID = re.compile(rf"(?:{_PART}/)?{_PART}", re.ASCII)
_MOST_NAMES = 5


def may_be_on_hub(name: str) -> bool:
    """Whether a name can be a repository's: OWNER/NAME or one word, and no folder OWNER here that would hold it."""
    if not _ID.fullmatch(name) or "--" in name or ".." in name or name.endswith(".git"):
        return False
    return "/" not in name or not Path(name).parent.is_dir()


@lru_cache(maxsize=256)
def check_on_hub(name: str, kind: str = MODEL, here: str = "") -> None:
    """Makes sure that a repository is on the Hub or in the cache; what was found once is not looked for again.

    Args:
        name: see `may_be_on_hub`.
        kind: MODEL or DATA_SET.
        here: what else the name is not, for the error; such as a nearly equal folder.

    Raises:
        OSError: it is not on the Hub, or cannot be looked for and is not in the cache.
    """
    # half a second of start-up that a folder here does not need
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError
    from huggingface_hub.file_download import repo_folder_name
    from huggingface_hub.utils import httpx

    cached = Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=name, repo_type=kind), "snapshots")
    if cached.is_dir() and next(cached.iterdir(), None) is not None:
        return
    told = f"{name} is not a folder here{here}, and"
    word = _WORDS[kind]
    if constants.HF_HUB_OFFLINE:
        raise FileNotFoundError(
            f"{told} no {word} of this name is in the cache of the Hub, which is all that is looked at while"
            " HF_HUB_OFFLINE is set"
        )
    try:
        HfApi(endpoint=constants.ENDPOINT).repo_info(name, repo_type=kind, timeout=TIMEOUT)
    except GatedRepoError:
        return  # its files say what to do
    except RepositoryNotFoundError as error:
        raise FileNotFoundError(
            f"{told} no {word} of this name could be found on the Hub (a private one wants `hf auth login`)"
        ) from error
    except HfHubHTTPError:
        return  # a Hub in trouble: loading tries again, and tells
    except (httpx.TransportError, OSError) as error:
        raise OSError(
            f"{told} no {word} of this name could be found on the Hub, which cannot be reached ({error})"
        ) from error


def nearest_name(name: str, known=()) -> str:
    """ " (did you mean 'out/clep'?)": the folder beside it, or the known name, that differs little; else nothing."""
    path = Path(name).expanduser()
    try:
        beside = sorted(str(entry) for entry in path.parent.iterdir() if entry.is_dir())
    except OSError:
        beside = []
    # the whole paths have their parents in common, which is no likeness
    ends = {Path(entry).name: entry for entry in beside} | {word: word for word in known}
    match = difflib.get_close_matches(path.name, list(ends), n=1, cutoff=NEAR) if path.name else []
    return f" (did you mean {ends[match[0]]!r}?)" if match else ""


def what_is_in(folder: Path) -> str:
    """What a folder without the wanted files holds instead, in a few words."""
    names = sorted(entry.name + "/" * entry.is_dir() for entry in folder.iterdir())
    names = [name for name in names if not name.startswith(".")]
    if not names:
        return "is an empty folder"
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"holds {', '.join(names[:_MOST_NAMES])}{more}"
