import numpy as np
import pytest

from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.corpus import load_corpus
from hf_ecg.data.readers.ptb_xl import ptb_xl_corpus
from hf_ecg.signals import read
from hf_ecg.signals.leads import STANDARD_LEADS


def prepare(small, **options):
    out = small.folder.parent / "out"
    summary = prepare_corpus(ptb_xl_corpus(small.folder, **options), out, progress=False)
    return summary, load_corpus(out)


def test_rows_hold_the_record_and_its_facts(small):
    small.change(0, age="300.0", sex="0.0", patient_id="918792.0", device="CS-12   E", site="2.0")
    small.change(1, age="", sex="1.0")
    small.change(2, age="89.0", sex="")
    summary, rows = prepare(small)
    assert summary["rows"] == {"train": 4, "validation": 4, "test": 4}
    first = rows[0]
    known = {"patient_id": "918792", "age": 90, "sex": "male", "device": "CS-12 E", "site": "2", "fold": 3}
    assert {name: first[name] for name in known} == known
    assert [rows[1]["age"], rows[2]["age"], rows[1]["sex"], rows[2]["sex"]] == [None, 89, "female", None]
    assert first["report"] == small.rows[0]["report"]
    assert first["recording_date"] == small.rows[0]["recording_date"]
    assert first["leads"] == list(STANDARD_LEADS)
    counts = np.array(first["signal"]).reshape(12, 1000)
    millivolts = (counts - np.array(first["baseline"])[:, None]) / np.array(first["gain"])[:, None]
    record = read(small.folder / small.rows[0]["filename_lr"])
    np.testing.assert_allclose(millivolts, record.to_millivolts(), atol=1e-6)


def test_leads_are_found_by_name(small):
    _, rows = prepare(small)
    plain = np.array(rows[0]["signal"])
    header = small.samples().with_suffix(".hea")
    first, *lines = header.read_text().splitlines()
    samples = np.fromfile(small.samples(), "<i2").reshape(-1, 12)
    header.write_text("\n".join([first, *lines[:12][::-1]]) + "\n")
    np.ascontiguousarray(samples[:, ::-1]).tofile(small.samples())
    prepare_corpus(ptb_xl_corpus(small.folder), small.folder.parent / "out", overwrite=True, progress=False)
    np.testing.assert_array_equal(np.array(load_corpus(small.folder.parent / "out")[0]["signal"]), plain)


def test_hold_out_leaves_labels(small):
    small.change(0, scp_codes="{'AFIB': 0.0, 'LVH': 100.0, 'VCLVH': 0.0}")
    _, rows = prepare(small, hold_out=["LVH"])
    assert rows[0]["text"] == "atrial fibrillation"
    assert rows[0]["superdiagnostic"] == [rows.features["superdiagnostic"].feature.str2int("HYP")]
    with pytest.raises(ValueError, match="report"):
        ptb_xl_corpus(small.folder, hold_out=["LVH"], text_source="report")


def test_reports_as_texts(small):
    small.change(0, report="sinusrhythmus LAGETYP 4.46                  unbestÄtigter bericht Edit: NORM 100, ")
    small.change(1, report="")
    summary, rows = prepare(small, text_source="report")
    assert rows[0]["text"] == "sinusrhythmus lagetyp"
    assert rows[1]["text"] == "" and summary["empty_text"]["train"] == 1


def test_reports_that_say_too_little(small):
    small.change(0, report="sinusrhythmus normales ekg")
    small.change(1, report="trace only requested.")
    summary, rows = prepare(small, text_source="report", report_rules="merl")
    assert rows[0]["text"] == rows[1]["text"] == "" and rows[0]["report"] == "sinusrhythmus normales ekg"
    told = summary["report_rules"]
    assert told["name"] == "merl" and sum(told["refused"].values()) == sum(not text for text in rows["text"])
    for options in ({"report_rules": "merl"}, {"report_rules": "x", "text_source": "report"}):
        with pytest.raises(ValueError, match="report_rules is"):
            ptb_xl_corpus(small.folder, **options)


def test_no_codes_is_annotated_for_nothing(small):
    small.change(0, scp_codes="{}")
    summary, rows = prepare(small)
    assert [rows[0][name] for name in ("all", "superdiagnostic", "rhythm")] == [None, None, None]
    assert rows[0]["text"] == "" and summary["empty_text"]["train"] == 1


@pytest.mark.parametrize(
    "change, message",
    [
        ({"scp_codes": "open('x')"}, "scp_codes"),
        ({"scp_codes": "{'XYZ': 100.0}"}, "XYZ"),
        ({"strat_fold": "11"}, "strat_fold"),
        ({"strat_fold": ""}, "strat_fold"),
        ({"strat_fold": "2.5"}, "strat_fold"),
        ({"patient_id": "x"}, "patient_id"),
        ({"sex": "2"}, "sex"),
        ({"filename_lr": "../raw2/00001_lr"}, "leaves"),
        ({"filename_lr": "/etc/passwd"}, "leaves"),
        ({"filename_lr": "./records100/00000/00008_lr"}, "recording of ecg_id"),
    ],
)
def test_a_bad_line_stops_the_preparation(small, change, message):
    small.change(0, **change)
    with pytest.raises(ValueError, match=message):
        ptb_xl_corpus(small.folder)


def test_an_ecg_twice_a_patient_in_two_folds_and_a_missing_column(small):
    small.change(1, ecg_id=small.rows[0]["ecg_id"])
    with pytest.raises(ValueError, match="twice"):
        ptb_xl_corpus(small.folder)
    small.change(1, ecg_id="99999", patient_id=small.rows[-1]["patient_id"])
    with pytest.raises(ValueError, match="folds"):
        ptb_xl_corpus(small.folder)
    for row in small.rows:
        del row["strat_fold"]
    small.save()
    with pytest.raises(ValueError, match="strat_fold"):
        ptb_xl_corpus(small.folder)


def test_a_link_that_leaves_the_folder_is_not_read(small):
    outside = small.folder.parent / "outside.dat"
    small.samples().rename(outside)
    small.samples().symlink_to(outside)
    summary, rows = prepare(small)
    assert len(rows) == 11 and "leaves" in summary["skipped_records"][0]["reason"]


def test_other_rates_and_options(small):
    with pytest.raises(ValueError, match="250"):
        ptb_xl_corpus(small.folder, sampling_rate=250)
    with pytest.raises(ValueError, match="min_likelihood"):
        ptb_xl_corpus(small.folder, min_likelihood=101)
