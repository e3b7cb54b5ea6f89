"""Files that people take for recordings, and that hold none: what to do with each."""

_ADVICE = (
    (
        b"%PDF",
        "is a PDF: a picture of an ECG for people, which holds no samples. Ask its source for them: of Kardia the .atc"
        " file, of Apple's Health the CSV in the folder electrocardiograms of 'Export All Health Data', of an ECG"
        " machine DICOM, SCP-ECG or XML",
    ),
    (
        b"com.samsung.",
        "is a table of Samsung Health that lists records and holds no samples. Of an ECG the export has a PDF in its"
        " folder files, which holds none either",
    ),
    (b"\xff\xd8\xff", "is a JPEG picture, which holds no samples"),
    (b"\x89PNG", "is a PNG picture, which holds no samples"),
    (b"II*\0", "is a TIFF picture, which holds no samples"),
    (b"MM\0*", "is a TIFF picture, which holds no samples"),
    (b"GIF8", "is a GIF picture, which holds no samples"),
    (b"\x1f\x8b", "is packed by gzip: unpack it first"),
    (b"BZh", "is packed by bzip2: unpack it first"),
    (b"\xfd7zXZ", "is packed by xz: unpack it first"),
    (b"7z\xbc\xaf", "is a 7-Zip archive: unpack it first"),
    (b"Rar!", "is a RAR archive: unpack it first"),
    (
        b"PK\x03\x04",
        "is a zip archive: unpack it first, and read the file of the recording in it; a table of Excel is to be saved"
        " as CSV",
    ),
    (b"\xd0\xcf\x11\xe0", "is a document or table of an older Office: save it as CSV"),
    (b"\x80\x02", "is a pickle of Python, which is not read: unpacking it may run code"),
    (b"\x80\x03", "is a pickle of Python, which is not read: unpacking it may run code"),
    (b"\x80\x04", "is a pickle of Python, which is not read: unpacking it may run code"),
    (b"\x80\x05", "is a pickle of Python, which is not read: unpacking it may run code"),
)


# Words near the beginning of what other programs export.
_APPLE = (
    (
        (b"apple_health_export/",),
        "is the archive of 'Export All Health Data' of Apple's Health: unpack it, and read the ECGs in its folder"
        " electrocardiograms, which are called ecg_*.csv",
    ),
    (
        (b"<!DOCTYPE HealthData", b"<HealthData"),
        "is the list of Apple's Health (export.xml), which holds no samples of an ECG: they lie beside it, in the"
        " folder electrocardiograms, and are called ecg_*.csv",
    ),
)


# Copies and downloads that ended early, and disks that were full, leave files of the right size.
_ZEROS = "begins with zero bytes alone: a copy or a download that was not finished. Fetch it again"
_FEWEST_ZEROS = 64


def advice(head: bytes) -> str | None:
    """What a file that begins so is, and what to do; None for others.

    Example:
        >>> from hf_ecg.signals.formats.no_samples import advice
        >>> advice(b"GIF89a")
        'is a GIF picture, which holds no samples'
    """
    if len(head) >= _FEWEST_ZEROS and not any(head):
        return _ZEROS
    inside = (words for marks, words in _APPLE if any(mark in head for mark in marks))
    begins = (words for mark, words in _ADVICE if head.removeprefix(b"\xef\xbb\xbf").startswith(mark))
    return next(inside, None) or next(begins, None)
