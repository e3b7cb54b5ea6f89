"""Which folders are ours: a marker in every output folder, and removal of what we wrote and of nothing else."""

import contextlib
import json
import logging
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from .files import atomic_file, atomic_folder
from .locks import LOCK_INSIDE
from .version import __version__

logger = logging.getLogger(__name__)

MARKER = ".hf_ecg.json"
_SHOWN = 5
# what `hidden_places` calls what is being made, and what was replaced
_HIDDEN = r"\.[^/]+\.[0-9a-f]{12}\.(incomplete|previous)"


def mark(folder, kind: str, identity: str | None = None, files: Sequence[str] | None = None) -> str:
    """Marks a folder as an output of ours, and says which one it is.

    Args:
        folder: that is there.
        kind: what it holds, such as "training run".
        identity: digest of what it is made of; None takes a random one, and leaves one of this kind that is there.
        files: names in the folder of what was written, where that is known.

    Returns:
        The identity.
    """
    before = read_marker(folder)
    if identity is None and before is not None and before["kind"] == kind:
        return before["id"]
    content: dict = {"kind": kind, "id": identity or uuid.uuid4().hex, "hf_ecg_version": __version__}
    if files is not None:
        content["files"] = sorted(files)
    with atomic_file(Path(folder) / MARKER) as file:
        file.write(json.dumps(content, indent=1) + "\n")
    return content["id"]


def read_marker(folder) -> dict | None:
    """The marker of a folder: `kind`, `id`, maybe `files`; None where there is none of ours."""
    try:
        content = json.loads((Path(folder) / MARKER).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or not all(isinstance(content.get(key), str) for key in ("kind", "id")):
        return None
    return content


def is_ours(folder, kind: str) -> bool:
    """Whether a folder carries our marker of this kind."""
    marker = read_marker(folder)
    return marker is not None and marker["kind"] == kind


def claim(folder, kind: str, *older: str) -> None:
    """Makes a working folder of ours, or takes the one that an interrupted run left.

    Args:
        folder: whose parent is there.
        kind: for its marker.
        older: other kinds of marker that it may carry.

    Raises:
        OSError: something of somebody's is in its place: a link, a file, a folder that holds anything.
    """
    folder = Path(folder)
    if folder.is_symlink() or (os.path.lexists(folder) and not folder.is_dir()):
        raise FileExistsError(f"{folder} is there and is not a folder of an interrupted run: remove it")
    folder.mkdir(exist_ok=True)
    if any(folder.iterdir()) and not any(is_ours(folder, one) for one in (kind, *older)):
        raise FileExistsError(f"{folder} holds what no interrupted run left: remove it, or choose another output")
    try:
        mark(folder, kind)
    except OSError:
        with contextlib.suppress(OSError):  # not empty: of an interrupted run
            folder.rmdir()
        raise


def check_replaceable(folder, inputs: Iterable = ()) -> None:
    """Refuses folders in which nothing is ever overwritten, whatever they hold.

    Args:
        folder: that `overwrite` is asked for.
        inputs: paths that the new output is made of; names that are not paths are passed over.

    Raises:
        OSError: it is a link, the root, a home, the current folder or one around it, or around an input.
    """
    folder = Path(folder)
    if folder.is_symlink():
        raise OSError(f"{folder} is a link to {os.path.realpath(folder)}: nothing is overwritten through links")
    real = Path(os.path.realpath(folder))
    around = {"the current folder": Path.cwd(), "the home folder": Path.home()}
    around |= {f"the input {path}": Path(path) for path in inputs if path and os.path.exists(path)}
    for what, inner in around.items():
        if Path(os.path.realpath(inner)).is_relative_to(real):
            where = "is" if os.path.realpath(inner) == str(real) else "holds"
            raise OSError(f"{folder} {where} {what}: it is not overwritten, choose another folder")
    if str(real.parent) in ("/home", "/Users"):
        raise OSError(f"{folder} is a home folder: it is not overwritten, choose another folder")


def others_files(folder, ours: Iterable[str]) -> list[str]:
    """Names in a folder of what no run of ours wrote, at any depth; links are somebody's, and are not followed.

    Args:
        folder: that is there.
        ours: regular expressions of the names that we write, relative to the folder, "/" behind those of folders; the
            names in its marker count instead, where it has some.
    """
    written = _expression(folder, ours)
    return sorted(name for name, is_file in _entries(Path(folder)) if not (is_file and written.fullmatch(name)))


def remove_ours(folder, ours: Iterable[str]) -> list[str]:
    """Removes what we wrote in a folder, and the folders that are empty then; says what stays.

    Args:
        folder, ours: see `others_files`.

    Returns:
        The names of what stays; a warning names them too.
    """
    folder, expression = Path(folder), _expression(folder, ours)
    others = []
    for name, is_file in list(_entries(folder)):
        if not is_file or not expression.fullmatch(name):
            others.append(name)
        elif name.endswith("/"):
            (folder / name).rmdir()
        else:
            (folder / name).unlink()
    for inner, _, _ in os.walk(folder, topdown=False):
        if inner != str(folder) and not os.listdir(inner) and f"{os.path.relpath(inner, folder)}/" not in others:
            os.rmdir(inner)
    tell_others(folder, others)
    return sorted(others)


def carry_over(folder, new, others: Iterable[str]) -> None:
    """Brings somebody's files into the folder that is to take the place of this one; they stay here too.

    Args:
        folder: where they are.
        new: complete folder on the same disk.
        others: their names, see `others_files`; one that the new folder has too is called `NAME.kept` there.
    """
    folder, new = Path(folder), Path(new)
    for name in others:
        source, target = folder / name, new / name
        if name.endswith("/"):
            target.mkdir(parents=True, exist_ok=True)
            continue
        if os.path.lexists(target):
            target = target.with_name(f"{target.name}.kept")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError:  # not every disk has links
            shutil.copy2(source, target, follow_symlinks=False)


def replace_ours(folder, ours: Iterable[str], write: Callable[[Path], None]) -> None:
    """`files.atomic_folder`, which keeps what somebody else has put into the folder.

    Args:
        folder: to make or replace.
        ours: see `others_files`.
        write: fills an empty folder.
    """
    folder = Path(folder)

    def whole(temporary: Path) -> None:
        write(temporary)
        if folder.is_dir():
            carry_over(folder, temporary, others_files(folder, ours))

    atomic_folder(folder, whole)


def tell_others(folder, others: Sequence[str]) -> None:
    """A warning of the files that stay."""
    if others:
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        shown = ", ".join(sorted(others)[:_SHOWN])
        logger.warning("%s holds files that no run of ours wrote, they stay: %s%s", folder, shown, more)


def _expression(folder, ours: Iterable[str]) -> re.Pattern:
    marker = read_marker(folder)
    files = (marker or {}).get("files")
    names = [re.escape(str(name)) for name in files] if isinstance(files, list) else list(ours)
    names += [re.escape(MARKER), re.escape(LOCK_INSIDE), rf"(?:.*/)?{_HIDDEN}(?:/.*)?"]
    return re.compile("|".join(f"(?:{name})" for name in names))


def _entries(folder: Path) -> Iterable[tuple[str, bool]]:
    """Name, and whether it may be ours, of every file and every empty folder (with "/" behind) in a folder."""
    for inner, folders, files in os.walk(folder):
        for path in (Path(inner, name) for name in [*folders, *files]):
            name = path.relative_to(folder).as_posix()
            if path.is_symlink() or not path.is_dir():
                yield name, path.is_file() and not path.is_symlink()
            elif not any(path.iterdir()):
                yield f"{name}/", True
