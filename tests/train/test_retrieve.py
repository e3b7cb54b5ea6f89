import json
import shutil

import numpy as np
import pytest

from hf_ecg.plotting.retrieval_files import RetrievalPictures
from tests.data.made_snomed import write_record
from tests.evaluation import tiny

pytest.importorskip("faiss")


@pytest.fixture(scope="module")
def script(repository):
    return tiny.load_script(repository, "retrieve")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("retrieve")
    tiny.write_corpus(folder / "corpus", 80)
    tiny.dual_encoder().save_pretrained(folder / "OUT")
    tiny.processor().save_pretrained(folder / "OUT")
    tiny.write_facts(folder / "OUT")
    return folder


def command(work, *options, output="found"):
    data = ["--model", str(work / "OUT"), "--data", str(work / "corpus"), "--device", "cpu"]
    return [*data, *options, "--output_dir", str(work / output)]


def test_text_and_record_find_and_are_drawn(script, work, capsys):
    options = ["--text", "atrial fibrillation", "--record_id", "r5", "--top_k", "2", "--dpi", "40"]
    report = script.main(command(work, *options))
    assert json.loads((work / "found" / "results.json").read_text()) == report
    assert [(entry["from"], entry["to"]) for entry in report["queries"]] == [
        ("text", "ecg"),
        ("ecg", "text"),
        ("ecg", "ecg"),
    ]
    assert all((work / "found" / entry["picture"]).is_file() for entry in report["queries"])
    assert all(len(entry["hits"]) == 2 for entry in report["queries"])
    assert "p2" not in {hit["patient_id"] for hit in report["queries"][2]["hits"]}
    told = capsys.readouterr().out
    assert "ecg to text: r5" in told and "SIMULATED" not in told and not report["simulated"]


def test_what_is_found_among_simulated_records_says_so(script, work, capsys):
    shutil.copytree(work / "corpus", work / "made")
    (work / "made" / "summary.json").write_text(json.dumps({"config": tiny.CONFIG, "simulated": True}))
    options = ["--text", "atrial fibrillation", "--top_k", "1", "--dpi", "40", "--format", "svg"]
    report = script.main([*command(work, *options, output="made_found"), "--data", str(work / "made")])
    assert report["simulated"] and capsys.readouterr().out.startswith("SIMULATED records")
    pictures = RetrievalPictures(work, print, "svg", simulated=True)
    assert pictures.title == "[SIMULATED: no patient was recorded]"


@pytest.mark.parametrize(("rate", "seconds"), [(400, 10), (500, 6), (100, 60)])
def test_a_wfdb_file_of_another_rate_or_length_is_a_query(script, work, rate, seconds):
    counts = np.round(np.random.default_rng(0).normal(0, 200, (12, rate * seconds))).astype(np.int16)
    path = write_record(work, f"mine_{rate}_{seconds}", None, counts, rate=rate)
    options = ["--record", str(path), "--top_k", "3", "--dpi", "40"]
    if rate != 100:
        with pytest.raises(ValueError, match=f"has {rate} Hz, the model wants 100 Hz and .* no step resample"):
            script.main(command(work, *options))
    resampling = tiny.processor()
    steps = ["derive_limb_leads", "select_leads", "fill_missing", "resample", "crop", "pad"]
    resampling.feature_extractor.steps = [{"name": name} for name in steps]
    shutil.copytree(work / "OUT", work / path.stem / "model")
    resampling.save_pretrained(work / path.stem / "model")
    arguments = [*command(work, *options, output=path.stem), "--model", str(work / path.stem / "model")]
    script.main([*arguments, "--window", "first", "--no_pictures"])
    report = script.main(arguments)  # windows of the model's second, averaged
    assert [(entry["query"], entry["to"], len(entry["hits"])) for entry in report["queries"]] == [
        (path.stem, "text", 3),
        (path.stem, "ecg", 3),
    ]
    assert all((work / path.stem / entry["picture"]).is_file() for entry in report["queries"])


def test_metrics_want_folds_that_the_model_did_not_see(script, work):
    report = script.main(command(work, "--metrics", "--folds", "10", "--bootstrap", "20", output="metrics"))
    assert report["metrics"]["ecg_to_text"]["queries"] == 8
    with pytest.raises(ValueError, match="was trained on folds"):
        script.main(command(work, "--metrics", "--folds", "1"))
    with pytest.raises(ValueError, match="--metrics wants --folds"):
        script.main(command(work, "--metrics"))
    with pytest.raises(ValueError, match="nothing to look for"):
        script.main(command(work))
