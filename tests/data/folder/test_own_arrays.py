"""Arrays of many records to a corpus: every record is read, or its reason is told."""

import numpy as np
import pytest

from hf_ecg.data.readers.folder import ColumnChoice, OwnData, own_corpus
from tests.data.folder.made_data import LEADS, prepare, write_table


def array(tmp_path, name, values, **options):
    path = tmp_path / name
    if path.suffix == ".npy":
        np.save(path, values)
    elif path.suffix == ".npz":
        np.savez(path, **values)
    else:
        h5py = pytest.importorskip("h5py")
        with h5py.File(path, "w") as file:
            for key, value in values.items():
                file[key] = value
    return OwnData(path, **options)


@pytest.mark.parametrize("kind", ["npy", "transposed", "npz", "said", "h5"])
def test_an_array_with_a_table(tmp_path, kind):
    signals = np.random.default_rng(0).normal(0, 1, (6, 3, 150)).astype(np.float32)
    rows = [{"at": 5 - place, "who": f"p{place}", "dx": "ab"[place % 2]} for place in range(6)]
    options = {
        "table": write_table(tmp_path / "labels.csv", rows),
        "columns": ColumnChoice(patient="who", label_columns=["dx"], record="at" if kind == "h5" else None),
    }
    said = {"leads": LEADS, "sampling_rate": 250, "units": "uV"}
    if kind == "said":
        data = array(tmp_path, "x.npz", {"signals": signals, **said}, **options)
    elif kind == "npz":
        data = array(tmp_path, "x.npz", {"X": signals, "y": np.zeros(6)}, **options, **said)
    elif kind == "h5":
        values = {"group/X": signals, "other": np.zeros((6, 3, 4))}
        data = array(tmp_path, "x.hdf5", values, dataset="group/X", **options, **said)
    else:
        values = signals.transpose(0, 2, 1) if kind == "transposed" else signals
        data = array(tmp_path, "x.npy", values, **options, **said)
    _, _, found, _ = prepare(tmp_path, data)
    assert len(found) == 6 and {row["sampling_rate"] for row in found.values()} == {250.0}
    for place, line in enumerate(rows):
        row = found[str(line["at"] if kind == "h5" else place)]
        wanted = signals[int(row["record_id"])] / 1000
        millivolts = np.array(row["signal"]).reshape(3, 150) / np.array(row["gain"])[:, None]
        np.testing.assert_allclose(millivolts, wanted, atol=6e-4)
        assert row["patient_id"] == line["who"] and row["dx"] == ["ab".index(line["dx"])]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "does not say its leads: give it by --leads"),
        ({"leads": LEADS}, "does not say its sampling rate: give it by --sampling_rate"),
        ({"leads": LEADS, "sampling_rate": 100}, "does not say its units: give it by --units"),
        ({"leads": LEADS, "sampling_rate": 100, "units": "adu"}, "units is 'adu', wanted one of"),
        ({"leads": LEADS, "sampling_rate": 100, "units": "normalized"}, "rows of a corpus are voltages"),
        ({"leads": ["I"], "sampling_rate": 100, "units": "mV"}, r"has shape \(4, 3, 50\), wanted"),
        ({"leads": LEADS, "sampling_rate": 100, "units": "mV", "dataset": "x"}, "holds no data set 'x'"),
    ],
)
def test_an_array_that_does_not_say_what_it_holds(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        own_corpus(array(tmp_path, "x.npy", np.ones((4, 3, 50)), **options))


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        ([100, 200], r"its sampling_rate is \[100, 200\], wanted one number of hertz"),
        ("slow", "is 'slow', wanted one"),
    ],
)
def test_an_array_of_several_rates(tmp_path, rates, message):
    said = {"leads": LEADS, "units": "mV"}
    with pytest.raises(ValueError, match=message):
        own_corpus(array(tmp_path, "x.npz", {"signals": np.ones((2, 3, 50)), "sampling_rate": rates, **said}))
    same = array(tmp_path, "y.npz", {"signals": np.ones((2, 3, 50)), "sampling_rate": [100, 100], **said})
    assert own_corpus(same).corpus.config_name == "y_100hz"


def test_a_damaged_array_is_told(tmp_path):
    np.savez(tmp_path / "x.npz", signals=np.ones((2, 3, 500)), leads=LEADS, sampling_rate=100, units="mV")
    content = bytearray((tmp_path / "x.npz").read_bytes())
    content[5000] ^= 255
    for name, damaged in (("cut.npz", content[:6000]), ("flipped.npz", content)):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(ValueError, match=f"{name} is not a NumPy array of numbers: "):
            own_corpus(OwnData(tmp_path / name))


def test_a_table_of_another_array(tmp_path):
    said = {"leads": LEADS, "sampling_rate": 100, "units": "mV"}
    table = write_table(tmp_path / "t.csv", [{"at": 0}, {"at": 4}])
    with pytest.raises(ValueError, match="has 2 rows and .*x.npy 4 records"):
        own_corpus(array(tmp_path, "x.npy", np.ones((4, 3, 50)), table=table, **said))
    with pytest.raises(ValueError, match="line 3: the column 'at' has '4', wanted the place of a record, 0 to 3"):
        own_corpus(array(tmp_path, "x.npy", np.ones((4, 3, 50)), table=table, columns=ColumnChoice("at"), **said))
