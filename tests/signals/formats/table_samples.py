"""Samples of tables, arrays and the files of watches; see `samples`."""

import json
import struct

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.io

from hf_ecg.signals.leads import STANDARD_LEADS
from tests.signals.formats.sample_parts import FIRST, LAST, RATE, STEP, WHO, counts, written

LIMB = STANDARD_LEADS[:6]


def table(folder):
    """German, as a person may save it."""
    lines = [f"Name: {FIRST} {LAST}", f"Patient ID;{WHO['id']}", f"Geburtsdatum: {WHO['birth_dashed']}"]
    lines += ["Zeit [ms];I [\u00b5V];II [\u00b5V];V1 [\u00b5V]"]
    rows = counts(["I", "II", "V1"]).T.astype(int) * STEP
    lines += [f"{2 * place};" + ";".join(f"{value},0" for value in row) for place, row in enumerate(rows)]
    return written(folder / "table.csv", "\r\n".join(lines).encode("cp1252"))


def matlab(folder):
    made = {"signal": counts() * float(STEP), "fs": RATE, "units": "uV", "leads": np.array(STANDARD_LEADS, object)}
    scipy.io.savemat(folder / "made.mat", {"rec": made, "patient": f"{FIRST} {LAST}", "mrn": WHO["id"]})
    return folder / "made.mat"


def hdf5(folder):
    with h5py.File(folder / "made.h5", "w") as file:
        data = file.create_dataset("ecg", data=counts(), compression="gzip")
        data.attrs.update({"gain": 1000.0 / STEP, "sampling_rate": RATE, "leads": list(STANDARD_LEADS)})
        file.attrs.update({"patient_name": f"{FIRST} {LAST}", "patient_id": WHO["id"]})
    return folder / "made.h5"


def parquet(folder):
    row = {"record_id": "made", "patient_id": WHO["id"], "signal": counts().reshape(-1), "sampling_rate": float(RATE)}
    row |= {"num_samples": counts().shape[1], "leads": list(STANDARD_LEADS), "gain": [1000 / STEP] * 12}
    row |= {"baseline": [0.0] * 12, "report": f"Sinus rhythm of {WHO['id']}"}
    pq.write_table(pa.table({key: [value] for key, value in row.items()}), folder / "made.parquet")
    return folder / "made.parquet"


def block(mark, body):
    whole = mark + struct.pack("<I", len(body)) + body
    return whole + struct.pack("<I", sum(whole))


def atc(folder, leads=LIMB):
    texts = [("2020-01-02T03:04:05.000+01:00", 32), (WHO["accession"], 44), (WHO["serial"], 44), ("iPhone8,1", 32)]
    texts += [("AliveECG 5", 32), ("Kardia 6L", 32), ("", 52)]
    content = b"ALIVE\0\0\0" + struct.pack("<I", 4)
    content += block(b"info", b"".join(text.encode().ljust(length, b"\0") for text, length in texts))
    content += block(b"fmt ", struct.pack("<BHHBH", 1, RATE, 1000 * STEP, 0b10010, 0))
    for place, row in enumerate(counts(leads), 1):
        content += block(b"ecg " if place == 1 else b"ecg%d" % place, row.astype("<i2").tobytes())
    content += block(b"ann ", struct.pack("<IIHIH", 1000, 500, 1, 1500, 1))
    return written(folder / "made.atc", content)


def kardia(folder):
    rows = {
        f"lead{lead}" if lead[0] == "I" else lead.upper(): row.tolist()
        for lead, row in zip(LIMB, counts(LIMB), strict=True)
    }
    raw = {"frequency": RATE, "mainsFrequency": 50, "amplitudeResolution": 1000 * STEP, "numLeads": 6, "samples": rows}
    made = {"id": WHO["accession"], "patientID": WHO["id"], "heartRate": 60, "recordedAt": "2020-01-02T03:04:05+05:30"}
    made |= {"algorithmDetermination": "normal", "data": {"raw": raw}}
    return written(folder / "kardia.json", json.dumps(made).encode())


TABLES = {
    "table": table,
    "MATLAB": matlab,
    "HDF5": hdf5,
    "parquet": parquet,
    "AliveCor ATC": atc,
    "JSON of a device": kardia,
}
