"""One commit for everything: a push that fails leaves the revision that was there, and a retry sends what is missing.

`HfApi.upload_folder` commits large folders in batches, so that a failure leaves half a model for everyone to load;
here the contents go first, where no revision shows them, and one commit names them all.
"""

import itertools
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.utils import httpx
from transformers.utils import logging

logger = logging.get_logger(__name__)

ATTEMPTS = 4
# Seconds before the second attempt; each further wait is twice as long.
FIRST_WAIT = 2.0
_TRANSIENT_STATUS = (408, 412, 429, 500, 502, 503, 504)


def commit_files(
    repo_id: str,
    files: Mapping[str, Path | bytes],
    message: str,
    repo_type: str = "model",
    stale: Callable[[str], bool] = lambda path: False,
    private: bool | None = None,
    revision: str | None = None,
    api: HfApi | None = None,
) -> CommitInfo:
    """Upload files as one commit; contents that the Hub holds already are not sent again.

    Args:
        repo_id: OWNER/NAME, created when it is not there.
        files: path in the repository -> file, or its content.
        message: of the commit.
        repo_type: "model", "dataset" or "space".
        stale: which other paths of the repository this commit takes away.
        private: visibility of a repository that has to be created.
        revision: branch, created when it is not there; None is the main one.
        api: client with its endpoint and token; the environment's by default.

    Raises:
        OSError: the Hub refuses (no permission, bad metadata), or still fails after `ATTEMPTS` attempts. The branch is
            then as it was before.
        ValueError: `repo_id` is none, or the Hub finds the card's metadata wrong.
    """
    api = api or HfApi()
    for attempt in itertools.count(1):
        try:
            return _commit(api, repo_id, files, message, repo_type, stale, private, revision)
        except (HfHubHTTPError, httpx.TransportError, RuntimeError) as error:
            if not _transient(error):
                raise
            where = f"{repo_id}, attempt {attempt} of {ATTEMPTS}: {_cause(error)}"
            if attempt == ATTEMPTS:
                raise OSError(
                    f"not pushed to {where}. {repo_id} is as it was before; the same command resumes with what is"
                    " missing"
                ) from error
            wait = FIRST_WAIT * 2 ** (attempt - 1)
            logger.warning("%s; the next attempt in %g s", where, wait)
            time.sleep(wait)


def _commit(api, repo_id, files, message, repo_type, stale, private, revision) -> CommitInfo:
    of_space = {"space_sdk": "gradio"} if repo_type == "space" else {}
    api.create_repo(repo_id, repo_type=repo_type, private=private, exist_ok=True, **of_space)
    if revision is not None:
        api.create_branch(repo_id, branch=revision, repo_type=repo_type, exist_ok=True)
    head, present = _state(api, repo_id, repo_type, revision)
    # made anew for each attempt: an operation remembers what the Hub held when it was first asked
    operations = [CommitOperationAdd(path_in_repo=path, path_or_fileobj=_source(files[path])) for path in files]
    operations += [CommitOperationDelete(path_in_repo=path) for path in sorted(present - set(files)) if stale(path)]
    return api.create_commit(
        repo_id,
        operations,
        commit_message=message,
        repo_type=repo_type,
        revision=revision,
        # what is stale was decided on this state: a push of someone else in between begins the attempt anew
        parent_commit=head,
    )


def _state(api: HfApi, repo_id: str, repo_type: str, revision: str | None) -> tuple[str | None, set[str]]:
    """The commit that a branch is at, and the paths of its files."""
    head = api.repo_info(repo_id, repo_type=repo_type, revision=revision).sha
    try:
        entries: Iterable = api.list_repo_tree(repo_id, recursive=True, repo_type=repo_type, revision=head)
        return head, {entry.path for entry in entries if hasattr(entry, "blob_id")}
    except EntryNotFoundError:
        return head, set()


def _source(content: Path | bytes) -> str | bytes:
    return content if isinstance(content, bytes) else str(content)


def _transient(error: BaseException) -> bool:
    """Whether the same request may succeed later. The client wraps failed uploads in a RuntimeError."""
    if isinstance(error, (RepositoryNotFoundError, RevisionNotFoundError)):
        return False
    if isinstance(error, HfHubHTTPError):
        return error.response is not None and error.response.status_code in _TRANSIENT_STATUS
    if isinstance(error, httpx.TransportError):
        return True
    return error.__cause__ is not None and _transient(error.__cause__)


def _cause(error: BaseException) -> str:
    while isinstance(error, RuntimeError) and error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split()) or type(error).__name__
