"""A simulated ECG as a file of the format that recordings have."""

import re
from pathlib import Path

from ..files import replace_file, temporary_folder
from .lead_field import GAIN
from .simulator import SimulatedECG


def write_wfdb(ecg: SimulatedECG, path) -> Path:
    """Write NAME.hea and NAME.dat (format 16); the header's comments say that it is simulated, and how.

    Args:
        ecg: see `simulate_ecg`.
        path: FOLDER/NAME, without ending; the folder is made.

    Returns:
        Path of the header.

    Raises:
        ValueError: a name that WFDB does not allow.
        OSError: the folder cannot be written.
    """
    path = Path(path)
    if not re.fullmatch(r"[-\w]+", path.name):
        raise ValueError(f"the record's name is {path.name!r}, wanted letters, digits, - and _ alone")
    path.parent.mkdir(parents=True, exist_ok=True)
    # the header last: nobody reads a record whose samples are not whole
    with temporary_folder(path) as temporary:
        _write(ecg, path.name, temporary)
        for ending in (".dat", ".hea"):
            replace_file(temporary / f"{path.name}{ending}", path.with_suffix(ending))
    return path.with_suffix(".hea")


def _write(ecg: SimulatedECG, name: str, folder: Path) -> None:
    import wfdb

    leads = len(ecg.leads)
    wfdb.wrsamp(
        name,
        fs=ecg.sampling_rate,
        units=["mV"] * leads,
        sig_name=list(ecg.leads),
        d_signal=ecg.counts.T,
        fmt=["16"] * leads,
        adc_gain=[float(GAIN)] * leads,
        baseline=[0] * leads,
        comments=[
            f"Age: {ecg.age}",
            f"Sex: {ecg.sex}",
            "Simulated: no patient was recorded",
            f"Conditions: {', '.join(ecg.conditions)}",
        ],
        write_dir=str(folder),
    )
