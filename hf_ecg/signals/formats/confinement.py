"""Files that may not lie outside a folder: a corpus's table or header must not make a reader open anything else."""

import os


def check_inside(path: str, root) -> None:
    """Nothing, when `path` lies in the folder `root`, symbolic links followed.

    Raises:
        ValueError: it leaves the folder.
    """
    # Resolving follows every folder from the top of the disk, half of a record's time: needless where the path says
    # that it is inside and no part of it is a link.
    if _is_plainly_inside(path, os.path.join(os.fspath(root), "")):
        return
    # Resolved anew for every record: a relative root means another folder once the working directory changes.
    base = os.path.join(os.path.realpath(root), "")
    if not os.path.realpath(path).startswith(base):
        raise ValueError(f"{path} leaves the folder {root}")


def _is_plainly_inside(path: str, base: str) -> bool:
    if not path.startswith(base):
        return False
    place = base
    for part in path[len(base) :].split(os.sep):
        place = os.path.join(place, part)
        if part == os.pardir or os.path.islink(place):
            return False
    return True
