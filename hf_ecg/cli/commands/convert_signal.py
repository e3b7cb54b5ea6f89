"""Write a recording of any format as another one."""

import click

from ..next_steps import line
from ..options import CHANNELS, LEFT_OPEN, as_command
from ..outcomes import Ending


@as_command("convert-signal", light=True)
@click.argument("file", metavar="FILE")
@click.argument("out", metavar="OUT")
@CHANNELS
@LEFT_OPEN
@click.option("--overwrite", is_flag=True, help="Replace files of the same name.")
@click.option(
    "--keep_identifiers",
    is_flag=True,
    help="Write who was recorded and where, too (default: nothing of it).",
)
def command(file, out, leads, rename, sampling_rate, units, record, overwrite, keep_identifiers) -> Ending:
    """Write the recording in FILE, of any format that is read, as OUT: .hea (WFDB), .edf, .parquet or .csv.

    \b
    hf-ecg convert-signal muse.xml ecg.hea
    hf-ecg convert-signal holter.dcm holter.edf --leads II,V1
    hf-ecg convert-signal record.hea record.csv --overwrite
    hf-ecg convert-signal table.csv table.hea --sampling_rate 500 --units mV
    hf-ecg convert-signal exams.hdf5 exam.hea --record 17

    What is written is read back and compared, then put into its place at once. The checksums (SHA-256) are those of
    the files.
    """
    from ...signals import read, write

    told = {"sampling_rate": sampling_rate, "units": units, "record": record}
    record = read(file, leads=leads, rename=rename, keep_identifiers=keep_identifiers, **told)
    written = write(record, out, overwrite=overwrite, keep_identifiers=keep_identifiers)
    lines = [f"{len(record.leads)} leads, {record.num_samples} samples at {record.sampling_rate:g} Hz"]
    lines.append(f"largest difference after reading it back: {written.largest_difference_mv * 1000:.3g} uV")
    lines += [f"not in this format: {what}" for what in written.left_out]
    lines += [f"remark: {remark}" for remark in record.remarks]
    lines += [f"sha256 {digest}  {path}" for path, digest in written.sha256.items()]
    made = [(path, "recording") for path in written.sha256]
    return Ending(written, "\n".join(lines), made, next=[line("info", written.path)])
