"""The addresses of other sites in the Markdown files of a checkout.

python docs/links.py [--open]

Lists them with the files that name them. With `--open`, which needs the internet, it opens each and lists those that
do not answer; the status is 1 when there are any.
"""

import re
import sys
import urllib.request
from pathlib import Path

ADDRESS = re.compile(r"https?://[^\s<>)\]\"'`|}]+")
# an endpoint of the reader's own
NOT_A_SITE = ("http://localhost", "http://127.0.0.1")
SECONDS = 20


def addresses(checkout: Path) -> dict[str, list[str]]:
    """Address -> the files that name it, sorted."""
    found: dict[str, list[str]] = {}
    for path in sorted(checkout.rglob("*.md")):
        inside = path.relative_to(checkout)
        if inside.parts[0].startswith(".") or inside.parts[0] in ("site", "out"):
            continue
        for address in ADDRESS.findall(path.read_text(encoding="utf-8")):
            address = address.rstrip(".,:;")
            if not address.startswith(NOT_A_SITE):
                found.setdefault(address, []).append(str(inside))
    return {address: sorted(set(files)) for address, files in sorted(found.items())}


def problem(address: str) -> str | None:
    """Why an address does not open, or None."""
    request = urllib.request.Request(address, headers={"User-Agent": "Mozilla/5.0 (links of hf_ecg)"})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS):
            return None
    except OSError as error:
        return str(error)


def main(arguments: list[str]) -> int:
    found = addresses(Path(__file__).parents[1])
    if arguments != ["--open"]:
        for address, files in found.items():
            sys.stdout.write(f"{address}  {', '.join(files)}\n")
        return 0
    failed = {address: why for address in found if (why := problem(address)) is not None}
    for address, why in failed.items():
        sys.stdout.write(f"{address}: {why}, in {', '.join(found[address])}\n")
    sys.stdout.write(f"{len(found) - len(failed)} of {len(found)} addresses open\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
