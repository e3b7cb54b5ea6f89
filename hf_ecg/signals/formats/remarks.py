"""What a reader found odd and went on with, told to whoever reads one file and to whoever reads a corpus."""

import logging

from ...said_once import first_time

logger = logging.getLogger(__name__)


def tell(path: str, remarks: list[str] | tuple[str, ...]) -> None:
    """Once for each kind, which is what stands before the colon: a corpus has the same one in many records."""
    for remark in remarks:
        if first_time("remark", remark.partition(":")[0]):
            logger.warning("%s: %s (said once; every record has its own in `remarks`)", path, remark)
