"""What says who was recorded: found in headers, kept when asked for, and nowhere otherwise."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

import hf_ecg
from hf_ecg.signals import Annotation, Record
from hf_ecg.signals.patient_fields import patient_field, split_comments, with_patient
from hf_ecg.signals.streaming import RecordStream

WHO = {
    "Name": "Zaphodia Quirkley",
    "Patient ID": "ZQ-774411",
    "Birthdate": "1931-02-29",
    "Referring physician": "Dr Slartibard",
    "<subject_id>": "10000032",
    "MRN": "5550123",
    "Hospital": "Milliways General",
}
SAYS_NOBODY = ["Age: 61", "Sex: Female", "Dx: 426783006", "Record name: x", "69 M 1085 1629 x1"]


@pytest.fixture
def header(tmp_path):
    (tmp_path / "rec.dat").write_bytes(np.arange(100, dtype="<i2").tobytes())
    lines = ["rec 1 100 100", "rec.dat 16 200/mV 16 0 0 4950 0 I"]
    lines += [
        f"# {line}" for line in [*SAYS_NOBODY, "Device: CS-12", *(f"{key}: {value}" for key, value in WHO.items())]
    ]
    lines += ["# Read by Dr Slartibard; ZAPHODIA QUIRKLEY was well", "# a name of nobody"]
    (tmp_path / "rec.hea").write_text("\n".join(lines) + "\n")
    return tmp_path / "rec.hea"


def test_a_header_that_names_somebody(header):
    record = hf_ecg.read(header)
    assert record.patient == {} and record.device == "CS-12"
    assert record.comments == [*SAYS_NOBODY, "Read by [removed]; [removed] was well", "a name of nobody"]
    kept = hf_ecg.read(header, keep_identifiers=True)
    assert kept.patient == {
        "name": "Zaphodia Quirkley",
        "id": "ZQ-774411; 10000032; 5550123",
        "birth_date": "1931-02-29",
        "physician": "Dr Slartibard",
        "institution": "Milliways General",
    }
    assert kept.comments[:-2] == SAYS_NOBODY and "Quirkley" not in repr(kept)[: repr(kept).index("comments")]
    with pytest.raises(ValueError, match="keep_identifiers"):
        hf_ecg.read(header, keep_identifiers="yes")


def test_a_stream_names_nobody(header):
    stream = RecordStream(header)
    parts = [stream.part(0, 10), *(part for _, part in stream.windows(0.5))]
    assert stream.in_parts and len(parts) == 3
    for one in (stream, *parts):
        assert not any(value in line for value in WHO.values() for line in one.comments)
    assert all(part.patient == {} and "[removed]" in part.comments[-2] for part in parts)


def test_labels():
    assert [patient_field(label) for label in ("Patient's Name", "DOB", "SSN", "fecha de nacimiento")] == [
        *("name", "birth_date", "id", "birth_date")
    ]
    others = ("Age", "Sex", "Dx", "Leads", "Diagnosis", "Sampling rate", "Rhythm", "Database", "")
    assert not any(map(patient_field, others))
    assert split_comments(["ID = 77", "Name:", "none"]) == (["Name:", "none"], {"id": "77"})


def test_every_text_of_a_record_is_cleared():
    record = Record(
        "made",
        np.zeros((1, 5)),
        None,
        None,
        ("I",),
        100,
        device="Cart of Doe, Jane",
        start_time=datetime(2020, 1, 2),
        annotations=(Annotation(0.1, "JANE DOE moved"),),
        remarks=("the name is Doe^Jane",),
        patient={"name": "Doe^Jane", "age": "long", "device_serial": "QT", "id": " 12345 ", "sex": ""},
        statements=("Long QT of Jane Doe (12345)", "123456 and Doe stay"),
        measurements={"qt_ms": np.int16(400)},
    )
    assert (
        record.patient["id"] == "12345"
        and "sex" not in record.patient
        and "12345" not in repr(replace(record, statements=()))
    )
    assert with_patient(record, True).patient["name"] == "Doe^Jane"
    cleared = with_patient(record, False)
    assert cleared.patient == {} and cleared.device == "Cart of [removed]"
    assert cleared.statements == ("Long QT of [removed] ([removed])", "123456 and Doe stay")
    assert cleared.annotations[0].text == "[removed] moved" and cleared.remarks == ("the name is [removed]",)
    assert cleared.measurements == {"qt_ms": 400.0} and cleared.start_time == record.start_time
    assert cleared.cut(0, 2).measurements == {"qt_ms": 400.0}


@pytest.mark.parametrize(
    ("field", "labels"),
    [
        ("name", "Prénom|Nom du patient|PatientName|LastName|Patient Last Name|Cognome|Imię|氏名|姓名|ФИО|Patientin"),
        ("birth_date", "Né le|Fecha nacimiento|Data di nascita|Data de nascimento|Geb.-Datum|生年月日|Дата рождения"),
        ("id", "Identificación|Patienten-Nr.|PatientID|Pat.-ID|病历号|Numéro de dossier"),
        ("physician", "Médico|Médecin|Ärztin|Врач|担当医"),
        ("institution", "Hôpital|Clínica|Klinik|病院"),
        ("contact", "Dirección|Adresse|Straße|Telefon|E-Mail|住所"),
        (None, "Sexe|Dx|Alter|Edad|Rythme|Nominal rate|Gerät|Geometry|Statement|Sample rate|Lead|Ableitung I"),
    ],
)
def test_fields_in_many_languages(field, labels):
    found = {label: patient_field(label) for label in labels.split("|")}
    assert found == dict.fromkeys(found, field)
