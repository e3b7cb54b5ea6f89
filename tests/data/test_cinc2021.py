import pytest

from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.corpus import load_corpus
from hf_ecg.data.readers.cinc2021 import cinc2021_corpus, source_of
from tests.data.made_snomed import waves, write_record


def prepare(data_dir, tmp_path, **options):
    out = tmp_path / "out"
    summary = prepare_corpus(cinc2021_corpus(data_dir, **options), out, overwrite=True, progress=False)
    rows = load_corpus(out)
    return summary, {row["record_id"]: row for row in rows}, rows.features


def names(row, features, label_set="statements"):
    return {features[label_set].feature.names[label] for label in row[label_set]}


def test_the_real_records_and_where_else_they_are(shared_data_dir, tmp_path):
    summary, rows, features = prepare(shared_data_dir / "cinc2021", tmp_path)
    assert len(rows) == 49 and summary["skipped"] == {}
    assert summary["sources"] == {"georgia": 20, "ptb_xl": 9, "ningbo": 20}
    assert rows["HR06000"]["also_in"] == "ptb_xl:6000" and rows["HR06000"]["source"] == "ptb_xl"
    assert rows["JS20000"]["also_in"] == "csn:JS20000" and rows["E07500"]["also_in"] is None
    assert names(rows["HR06000"], features) == {"TAb", "NSR"}
    # patients of PTB-XL are not known from headers: none of them is on the other side of the split
    assert all(row["fold"] <= 8 for row in rows.values() if row["source"] == "ptb_xl")
    summary, rows, _ = prepare(shared_data_dir / "cinc2021", tmp_path, exclude=["ptb_xl", "ningbo"])
    assert len(rows) == 20 and summary["left_out"] == {"source ptb_xl": 9, "source ningbo": 20}


def test_a_code_means_what_its_source_means(tmp_path):
    raw = tmp_path / "raw"
    for name in ("A0001", "E00001", "JS00001", "HR00001"):
        write_record(raw, name, "164931005,426783006,713427006")
    write_record(raw, "JS00002", "164930006")
    _, rows, features = prepare(raw, tmp_path)
    assert names(rows["A0001"], features) == {"STE", "NORM", "CRBBB"}
    assert names(rows["E00001"], features) == names(rows["HR00001"], features) == {"STE", "NSR", "CRBBB"}
    assert names(rows["JS00001"], features) == {"STTU", "NSR", "CRBBB"}
    assert names(rows["JS00002"], features) == {"STE"}
    assert {"ST tilt up", "ST elevation"} & set(rows["JS00001"]["text"].split(". ")) == {"ST tilt up"}
    for name in ("A0001", "E00001", "JS00001"):  # the Challenge scores by code
        assert names(rows[name], features, "scored") == {"NSR", "CRBBB|RBBB"}
    assert rows["JS00002"]["scored"] == []


def test_patients_and_folds_of_ptb_xl_from_its_table(tmp_path):
    raw, table = tmp_path / "raw", tmp_path / "ptbxl_database.csv"
    for name in ("HR00001", "HR00002", "HR00003"):
        write_record(raw, name, "426783006")
    table.write_text("ecg_id,patient_id,strat_fold\n1,15709.0,10\n2,15709.0,10\n")
    _, rows, _ = prepare(raw, tmp_path, ptb_xl_database=table)
    assert [(row["patient_id"], row["fold"] > 8) for _, row in sorted(rows.items())] == [
        ("15709", True),
        ("15709", True),
        ("HR00003", False),
    ]
    table.write_text("ecg_id,patient_id,strat_fold\n1,15709.0,11\n")
    with pytest.raises(ValueError, match="line 2: strat_fold is 11"):
        cinc2021_corpus(raw, ptb_xl_database=table)


def test_other_rates_and_lengths(tmp_path):
    raw = tmp_path / "raw"
    write_record(raw, "S0001", "426783006", waves(12, 1000), rate=1000)
    write_record(raw, "I0001", "426783006", waves(30, 257), rate=257)
    write_record(raw, "Q0001", "426783006", waves(5))
    _, rows, _ = prepare(raw, tmp_path)
    assert sorted(rows) == ["I0001_0", "I0001_1", "I0001_2", "Q0001", "S0001"]
    assert {row["sampling_rate"] for row in rows.values()} == {500}
    assert rows["I0001_2"]["num_samples"] == 5000 and rows["Q0001"]["num_samples"] == 2500
    assert rows["I0001_0"]["fold"] <= 8 and rows["S0001"]["fold"] <= 8


def test_names_and_sources(tmp_path):
    assert source_of("JS10646").name == "chapman_shaoxing" and source_of("JS10647").name == "ningbo"
    assert source_of("X0001") is None and source_of("readme") is None
    write_record(tmp_path / "raw", "X0001", "426783006")
    write_record(tmp_path / "raw", "E00001", "426783006")
    summary, _, _ = prepare(tmp_path / "raw", tmp_path)
    assert summary["skipped"] == {"unknown source": 1}
    with pytest.raises(ValueError, match="chapman"):
        cinc2021_corpus(tmp_path / "raw", exclude=["chapman"])
