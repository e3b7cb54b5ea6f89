"""The one door by which XML is read: nothing is declared, expanded or fetched, and no file takes more than it may.

Everything goes through defusedxml. Beyond it, sizes, depth and the number of elements have limits, and namespaces are
taken off the names, as devices differ in them alone.
"""

import os
import re
from functools import lru_cache
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from ...input_files import InputFile, read_input

# An hour of twelve leads as text has some 100 million characters; ten minutes fit.
MOST_BYTES = 2**26
# Of the formats that are read here the deepest has some 25; an hour with a mark at each beat has 50,000 elements.
MOST_DEPTH, MOST_PARTS = 100, 300_000
# How far comments may push the first element, where what the file is is asked.
_LOOK_BYTES = 2**16
# Nothing is tried twice: a file of comments alone would take for ever.
_ROOT = re.compile(
    r"(?>\s|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^<>\[]*+(?:\[.*?\]\s*)?>)*+<([^\s<>/!?]++)", re.DOTALL | re.ASCII
)
_DECLARED = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)""")
_MARKS = (b"\xff\xfe", b"\xfe\xff")
# A document type that names a file beside it, as that of GE MUSE does, says nothing as long as nobody reads the file.
_BARE_FILE = re.compile(r"[\w.-]+\.dtd", re.IGNORECASE)


class _Refused(ValueError):
    """What a file holds that no ECG does, in words."""


class _Builder(TreeBuilder):
    """Elements by their names without namespaces, up to a depth and a number."""

    def __init__(self):
        super().__init__()
        self._depth = self._parts = 0

    def start(self, tag, attributes):
        self._depth += 1
        self._parts += 1 + len(attributes)
        if self._depth > MOST_DEPTH:
            raise _Refused(f"its elements are nested deeper than {MOST_DEPTH}")
        if self._parts > MOST_PARTS:
            raise _Refused(f"it has more than {MOST_PARTS} elements and attributes")
        return super().start(_local(tag), {_local(name): value for name, value in attributes.items()})

    def end(self, tag):
        self._depth -= 1
        return super().end(_local(tag))


class _Parser(DefusedXMLParser):
    def defused_start_doctype_decl(self, name, sysid, pubid, has_internal_subset):
        if has_internal_subset or not _BARE_FILE.fullmatch(sysid or ""):
            raise _Refused("it has a document type (DTD) of its own or from elsewhere, which is refused")


def parse_xml(path: str) -> Element:
    """The first element of a file, with all that is in it.

    UTF-8, UTF-16 and the encodings of one byte a character that Python knows are read as the file declares them. Two
    slips are put up with: text that is not the UTF-8 it should be is read as Latin-1, and a file that was saved as
    UTF-8 under the heading UTF-16 as what it is.

    Args:
        path: of the file.

    Raises:
        OSError: it is not there.
        ValueError: it is not XML; it has a DTD (one that only names a file is passed over, and the file is not
            looked for), entities or references to elsewhere; it has over 64 MiB, 100 levels or 300,000 elements and
            attributes. No message holds text of the file.
    """
    content = read_input(path, MOST_BYTES).lstrip(b" \t\r\n")
    parser = _Parser(target=_Builder(), encoding=_encoding(content), forbid_dtd=True)
    try:
        parser.feed(content)
        return parser.close()
    except DefusedXmlException as error:
        kind = {"EntitiesForbidden": "entities", "ExternalReferenceForbidden": "references to elsewhere"}
        what = kind.get(type(error).__name__, "a document type (DTD)")
        raise ValueError(f"{path}: it declares {what}, which is refused: no ECG needs any") from None
    except ParseError as error:
        line, column = error.position
        raise ValueError(f"{path} is not well-formed XML at line {line}, column {column + 1}") from None
    except _Refused as error:
        raise ValueError(f"{path}: {error}") from None
    except (LookupError, ValueError, UnicodeError) as error:
        raise ValueError(f"{path} is XML of an encoding that is not read here") from error


def root_name(path: str, head: bytes) -> str:
    """The name of a file's first element, without namespace; "" for what does not begin like XML.

    Args:
        path: of the file.
        head: its first bytes.
    """
    if not head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0").startswith(b"<"):
        return ""
    found = os.stat(path)
    return _root_name(path, found.st_mtime_ns, found.st_size, found.st_ino)


# each format of this kind asks
@lru_cache(maxsize=16)
def _root_name(path: str, *_) -> str:
    with InputFile(path) as file:
        head = file.read(0, _LOOK_BYTES)
    # of UTF-16 without knowing its order: names are ASCII
    found = _ROOT.match(head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe").decode("latin-1"))
    return _local(found[1].replace(":", "}")) if found else ""


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _encoding(content: bytes) -> str | None:
    """What to read it as where its own heading is wrong; None to believe it."""
    if content.startswith(_MARKS) or content[:4].count(b"\0"):
        return None
    declared = _DECLARED.match(content[:200].removeprefix(b"\xef\xbb\xbf"))
    said = declared[1].decode().lower() if declared else "utf-8"
    if said not in ("utf-8", "utf8") and not said.startswith("utf-16"):
        return None
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "iso-8859-1"
    return None if said.startswith("utf-8") or said == "utf8" else "utf-8"
