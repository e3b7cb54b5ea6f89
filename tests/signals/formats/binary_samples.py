"""Samples of the binary formats; see `samples`."""

import struct
import warnings

from hf_ecg.signals.leads import STANDARD_LEADS
from tests.signals.formats import scp_making as scp
from tests.signals.formats.dicom_making import channel, group, note, write
from tests.signals.formats.edf_making import annotations, edf
from tests.signals.formats.ishne_making import ishne
from tests.signals.formats.mfer_making import mfer, tag
from tests.signals.formats.sample_parts import FIRST, LAST, RATE, SECONDS, STEP, WHO, counts, written

# Leads of the standard by their numbers in SCP-ECG, DICOM and MFER.
NUMBERS = (1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8)
BORN = tuple(int(WHO["birth"][place]) for place in (slice(4), slice(4, 6), slice(6, 8)))


def _edf(bdf=False):
    low, high = (-8388608, 8388607) if bdf else (-32768, 32767)
    physical = (low * STEP, high * STEP) if not bdf else (low, high)
    made = counts() if not bdf else counts() * STEP
    signals = [
        (f"ECG {lead}", "uV", *physical, low, high, "HP:0.05Hz LP:150Hz", list(row.reshape(SECONDS, RATE)))
        for lead, row in zip(STANDARD_LEADS, made, strict=True)
    ]
    times = [f"+{second}\x14\x14\0".encode() for second in range(SECONDS)]
    times[3] += f"+3.5\x150.5\x14{LAST} coughs\x14\0".encode()
    who = f"{WHO['id']} F 28-FEB-1931 {FIRST}_{LAST}"
    place = f"Startdate 02-JAN-2020 {WHO['accession']} {WHO['operator']} Holter_X3"
    kind = "BDF" if bdf else "EDF"
    return edf([*signals, annotations(times, bdf=bdf)], patient=who, recording=place, reserved=f"{kind}+C", bdf=bdf)


def edf_plus(folder):
    return written(folder / "made.edf", _edf())


def bdf_plus(folder):
    return written(folder / "made.bdf", _edf(bdf=True))


def dicom(folder):
    channels = [channel((f"2:{number}", "", "MDC"), str(STEP)) for number in NUMBERS]
    said = [
        *(note("Sinus rhythm"), note(f"{FIRST} {LAST} was calm")),
        note(name=("5.10.2.5-1", "Ventricular Heart Rate", "SCPECG"), value="60"),
    ]
    who = {
        **{"PatientName": f"{LAST}^{FIRST}", "PatientID": WHO["id"], "PatientBirthDate": WHO["birth"]},
        **{"ReferringPhysicianName": WHO["physician"], "OperatorsName": WHO["operator"]},
        **{"InstitutionName": WHO["institution"], "InstitutionAddress": WHO["address"]},
        **{"DeviceSerialNumber": WHO["serial"], "AccessionNumber": WHO["accession"], "Manufacturer": "Maker"},
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return write(folder / "made.dcm", [group(counts(), channels, rate=str(RATE))], notes=said, **who)


def scp_ecg(folder):
    texts = {0: LAST, 1: FIRST, 2: WHO["id"], 16: WHO["institution"], 20: WHO["physician"], 22: WHO["operator"]}
    texts |= {23: WHO["address"], 31: WHO["accession"]}
    about = {f"t{number}": text.encode() + b"\0" for number, text in texts.items()}
    about |= {"t14": scp.machine(serial=WHO["serial"].encode()), "t5": struct.pack("<HBB", *BORN)}
    about |= {"t25": struct.pack("<HBB", 2020, 1, 2), "t26": bytes([3, 4, 5])}
    line = f"Sinus rhythm of {FIRST} {LAST}".encode() + b"\0"
    bodies = {
        **{1: scp.tags(**about), 2: struct.pack("<H", 19999), 3: scp.leads(NUMBERS, RATE * SECONDS)},
        6: scp.samples(counts(), avm=1000 * STEP, interval=1_000_000 // RATE, order=2, coded=True),
        7: struct.pack("<BBHHHHHHHhhh", 1, 0, 1000, 0, 100, 200, 260, 356, 660, 51, -12, 30),
        8: struct.pack("<BHBBBBBB", 0, 2020, 1, 2, 3, 4, 5, 1) + struct.pack("<BH", 1, len(line)) + line,
    }
    return written(folder / "made.scp", scp.record(bodies))


def holter(folder):
    leads = ("V1", "V5", "III")
    fields = {"first": FIRST.encode(), "last": LAST.encode(), "id": WHO["id"].encode(), "born": BORN[::-1]}
    fields |= {"recorder": f"Holter X3 S/N {WHO['serial']}".encode(), "owner": WHO["institution"].encode()}
    text = f"{FIRST} {LAST}, {WHO['address']}\nslept well\0".encode()
    stored = ishne(counts(leads), (11, 15, 7), (1000 * STEP,) * 3, rate=RATE, text=text, **fields)
    return written(folder / "made.ecg", stored)


def mwf(folder):
    told = {0x81: f"{LAST}^^{FIRST}", 0x82: WHO["id"], 0x17: f"Maker^M1^1.0^{WHO['serial']}"}
    told[0x16] = f"{FIRST} {LAST} was calm"
    more = b"".join(tag(number, text.encode()) for number, text in told.items())
    more += tag(0x83, bytes([88]) + struct.pack("<HHBB", 3, *BORN))
    return written(
        folder / "made.mwf", mfer(counts(), NUMBERS, rate=(0, 0, RATE), sensitivity=(0, -6, STEP), more=more)
    )


BINARY = {"EDF": edf_plus, "BDF": bdf_plus, "DICOM": dicom, "SCP-ECG": scp_ecg, "ISHNE": holter, "MFER": mwf}
