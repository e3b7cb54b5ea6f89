import json

import numpy as np
import pytest

from hf_ecg.evaluation.benchmark import model_outputs as outputs
from hf_ecg.evaluation.benchmark.summary import NOT_RUN
from hf_ecg.training.run_card import model_card
from tests.evaluation import tiny

TASKS = ["--tasks", "ptb_xl_rhythm", "ptb_xl_form", "cpsc2018"]
FOLDS = ["--train_folds", "1-7", "--validation_folds", "8", "--test_folds", "9,10"]
QUICK = [*FOLDS, "--bootstrap", "20", "--minimum", "3", "--fractions", "10,100", "--device", "cpu"]
QUICK += ["--strengths", "0.01", "1"]
SETTINGS = [*TASKS, *QUICK]


@pytest.fixture(scope="module")
def script(repository):
    return tiny.load_script(repository, "benchmark")


@pytest.fixture(scope="module")
def work(tmp_path_factory, empty_datasets_cache):
    folder = tmp_path_factory.mktemp("benchmark")
    tiny.write_corpus(folder / "corpus", 240, config="ptb_xl_100hz")
    whole = tiny.dataset(240).rename_column("rhythm", "statements")
    whole = whole.add_column("window_start", [0.0, 10.0] * 120)  # two windows of one recording a patient
    tiny.write_corpus(folder / "csn", 240, whole, "csn_100hz")
    (folder / "csn" / "summary.json").write_text(json.dumps({"splits": "hash", "window_rule": "Records are whole."}))
    facts = {"config": "ptb_xl_100hz", "train_folds": [1, 2, 3, 4, 5, 6, 7], "validation_folds": [8]}
    for seed in (0, 1):
        tiny.dual_encoder(seed).save_pretrained(folder / f"OUT{seed}")
        tiny.processor().save_pretrained(folder / f"OUT{seed}")
        tiny.dual_encoder(seed).ecg_model.save_pretrained(folder / f"OUT{seed}" / "encoder")
        tiny.feature_extractor().save_pretrained(folder / f"OUT{seed}" / "encoder")
        tiny.write_facts(folder / f"OUT{seed}", seed=seed, **facts)
    tiny.classifier(["rhythm: SR", "rhythm: AFIB"]).save_pretrained(folder / "BCE")
    tiny.feature_extractor().save_pretrained(folder / "BCE")
    tiny.write_facts(folder / "BCE", label_sets=["rhythm"], **facts)
    return folder


def everything(work) -> list[str]:
    """A second corpus and its task, and every companion."""
    return ["--data", str(work / "csn"), "--tasks", "csn", "--random", "--supervised", str(work / "BCE")]


def run(script, work, *options, models=("OUT0",), output="benchmark"):
    paths = [str(work / model) for model in models]
    arguments = ["--model", *paths, "--data", str(work / "corpus"), *SETTINGS, *options]
    return script.main([*arguments, "--output_dir", str(work / output)])


@pytest.fixture(scope="module")
def whole(script, work):
    return run(script, work, *everything(work), models=("OUT0", "OUT1"), output="whole")


def test_all_tasks_end_in_one_summary(work, whole):
    assert json.loads((work / "whole" / "benchmark.json").read_text()) == whole
    form, rhythm, cpsc2018, csn = whole["tasks"]
    assert (cpsc2018["status"], cpsc2018["reason"]) == (NOT_RUN, "no prepared corpus cpsc2018 was given")
    kinds = ["prompts", "ensemble", "probe 100 %", "probe 10 %"]
    systems = [f"{name} {kind}" for name in ("model", "random encoder") for kind in kinds]
    assert set(rhythm["rows"]["labelled"]["systems"]) == {*systems, "BCE classifier"}
    assert set(form["rows"]["all records"]["systems"]) == set(systems)
    assert all(entry["num_seeds"] == 2 for entry in form["rows"]["all records"]["systems"].values())
    assert rhythm["rows"]["labelled"]["protocols"]["model prompts"] == "label-text"
    assert rhythm["rows"]["labelled"]["protocols"]["BCE classifier"] == "supervised"
    # form has one class, which every labelled record has
    assert "no class has" in form["unable"]["labelled"] and set(form["rows"]) == {"all records"}
    assert form["rows"]["all records"]["records"] == 48
    assert rhythm["rows"]["all records"]["same_as"] == "labelled"
    # what was trained on another corpus may be called zero-shot, and the classifier never saw these classes
    assert csn["rows"]["labelled"]["protocols"]["model prompts"] == "zero-shot"
    assert set(csn["rows"]["labelled"]["systems"]) == set(systems)
    assert any("on the split of MERL's tables" in why for why in csn["published"][2]["why_not"])
    assert any("here on windows, each asked by itself" in why for why in csn["published"][0]["why_not"])
    csn_page = (work / "whole" / "csn.md").read_text()
    assert "Records are whole." in csn_page and "the 48 test rows are of 24 recordings" in csn_page
    assert "recordings. Each" not in (work / "whole" / "ptb_xl.md").read_text()
    page = (work / "whole" / "benchmark.md").read_text()
    assert "not run: CPSC2018: no prepared" in page and "not run: PTB-XL form, labelled: no class has" in page
    assert "## What the published figures" in page
    assert tiny.cells_of_one_seed(page.splitlines()) == {"BCE classifier"}  # the models are of two seeds
    assert "| published: FG-CLEP prompts | (0.678) | (0.923) | (0.882) | (0.825) |" in page


def test_figures_are_those_of_the_other_scripts(repository, work, whole):
    models = [str(work / name) for name in ("OUT0", "OUT1")]
    shared = ["--data", str(work / "corpus"), "--bootstrap", "20", "--minimum", "3", "--device", "cpu", "--random"]
    texts = str(tiny.save_prompts(work / "texts.yaml"))
    prompts = tiny.load_script(repository, "zero_shot").main(
        ["--model", *models, *shared, "--config", "ptb_xl_100hz", "--prompts", texts, "--folds", "9,10"]
        + ["--ensemble", "--supervised", str(work / "BCE"), "--output", str(work / "prompts.json")]
    )["tasks"][0]["systems"]
    encoders = [f"{model}/encoder" for model in models]
    probes = tiny.load_script(repository, "linear_probe").main(
        ["--model", *encoders, *shared, *FOLDS, "--label_set", "rhythm", "--fractions", "10,100"]
        + ["--strengths", "0.01", "1", "--output", str(work / "probe.json")]
    )["tasks"][0]["systems"]
    ours = next(task for task in whole["tasks"] if task["name"] == "ptb_xl_rhythm")["rows"]["labelled"]["systems"]
    theirs = {
        "model prompts": prompts["prompts"],
        "model ensemble": prompts["prompts ensemble"],
        "random encoder prompts": prompts["random encoder"],
        "BCE classifier": prompts["BCE classifier"],
        "model probe 10 %": probes["probe 10 %"],
        "model probe 100 %": probes["probe 100 %"],
    }
    for name, entry in theirs.items():
        for metric in ("auroc", "auprc"):
            assert ours[name][metric] == pytest.approx(entry["macro"][metric]), name


def test_a_card_carries_the_report(work, whole):
    card = model_card(work / "OUT1", [work / "whole" / "ptb_xl.json"])
    assert "ptb_xl_rhythm, linear probe: supervised" in card and "seeds 0, 1" in card
    # the classes one by one are in the report's own page
    assert "| class |" not in card and "| class |" in (work / "whole" / "ptb_xl.md").read_text()
    assert "macro AUROC (label-text, model ensemble, ptb_xl_rhythm)" in card
    assert "macro AUROC (supervised, model probe 100 %, ptb_xl_rhythm, linear probe)" in card
    tiny.dual_encoder(5).save_pretrained(work / "OTHER")
    tiny.processor().save_pretrained(work / "OTHER")
    with pytest.raises(ValueError, match="evaluate these"):
        model_card(work / "OTHER", [work / "whole" / "ptb_xl.json"])


def test_what_is_finished_is_not_made_again(script, work, whole, monkeypatch):
    parts = work / "whole" / "parts"
    before = {path.name: path.stat().st_mtime_ns for path in parts.iterdir()}
    lost = sorted(name for name in before if name.startswith("ptb_xl_rhythm") and "probe_10_" in name)[0]
    (parts / lost).unlink()
    # broken off after the embeddings: no record goes through a model again
    for name in ("ecg_features", "ecg_embeddings"):
        monkeypatch.setattr(outputs, name, lambda *arguments: pytest.fail("a model was run again"))
    again = run(script, work, *everything(work), models=("OUT0", "OUT1"), output="whole")
    assert again["tasks"] == whole["tasks"]
    after = {path.name: path.stat().st_mtime_ns for path in parts.iterdir()}
    assert {name for name in after if after[name] != before.get(name)} == {lost} and set(after) == set(before)


def test_other_weights_are_judged_anew(script, work):
    one = ["--parts", "prompts", "--tasks", "ptb_xl_rhythm"]
    first = run(script, work, *one, output="weights")
    tiny.dual_encoder(1).save_pretrained(work / "OUT2")
    tiny.processor().save_pretrained(work / "OUT2")
    other = run(script, work, *one, models=("OUT2",), output="weights")
    assert first["tasks"] != other["tasks"] and len(list((work / "weights" / "parts").iterdir())) == 2


def test_an_encoder_is_probed_only(script, work):
    summary = run(script, work, models=("OUT0/encoder",), output="encoder")
    assert summary["not_run"] == ["prompts and ensemble: the model has no text tower"]
    systems = summary["tasks"][1]["rows"]["labelled"]["systems"]
    assert set(systems) == {"model probe 10 %", "model probe 100 %"}
    published = summary["tasks"][1]["published"]
    assert published[0]["why_not"] == ["prompts was not run"] and published[3]["ours"] > 0.5
    with pytest.raises(ValueError, match="there is nothing to judge"):
        run(script, work, "--minimum", "40", models=("OUT0/encoder",), output="encoder")
    for parts in (["prompts", "probe"], ["ensemble"]):
        with pytest.raises(ValueError, match="no text tower: .* want a dual encoder"):
            run(script, work, "--parts", *parts, models=("OUT0/encoder",), output="encoder")
    with pytest.raises(ValueError, match="not seeds of one model"):
        run(script, work, models=("OUT1", "OUT0/encoder"), output="mixed")


@pytest.mark.parametrize(
    "options, message",
    [
        (["--tasks", "ptb_xl_superdiagnostic"], "no label set 'superdiagnostic'"),
        (["--tasks", "ptb_xl_rythm"], "tasks .* are unknown"),
        (["--test_folds", "7,10"], "share 1 folds"),
        (["--validation_folds", "9", "--test_folds", "8"], "was selected on folds"),
        (["--prompts", "ptb_xl_rhythm=MISSING"], r"without prompts \['SR'\]"),
        (["--prompts", "TWICE.json"], r"\['SR'\] are given twice"),
        (["--setting", "run.epochs=1,2"], "there is no --recipe"),
    ],
)
def test_mistakes_are_told_before_a_model_is_read(script, work, monkeypatch, options, message):
    missing = tiny.save_prompts(work / "missing.yaml", classes={"AFIB": [tiny.TEXTS["AFIB"]]})
    twice = work / "twice.json"
    twice.write_text('{"AFIB": "a", "SR": "b", "PVC": "c", "SR": "d"}')
    options = [one.replace("MISSING", str(missing)).replace("TWICE.json", str(twice)) for one in options]
    monkeypatch.setattr(outputs, "load_model", lambda *arguments: pytest.fail("a model was read"))
    with pytest.raises(ValueError, match=message):
        run(script, work, *options, output="wrong")
    assert not (work / "wrong").exists()


def test_a_recipe_over_settings_and_seeds(script, work, text_recipe, tmp_path, monkeypatch, capsys):
    import yaml

    text_recipe["data"]["sources"][0] |= {"config": "ptb_xl_100hz", "folds": {"train": [1, 2], "validation": [8]}}
    text_recipe["run"]["epochs"] = 1
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(text_recipe))
    command = ["--recipe", str(tmp_path / "mine.yaml"), "--seeds", "0,3", "--data", str(work / "corpus"), *QUICK]
    command += ["--setting", "model.config.mitigation_weight=0,0.5", "--tasks", "ptb_xl_rhythm", "--fractions", "100"]
    command += ["--output_dir", str(tmp_path / "out"), f"data.sources.0.path={work / 'corpus'}"]
    summary = script.main(command)
    names = ["model.config.mitigation_weight=0", "model.config.mitigation_weight=0.5"]
    assert [arm["name"] for arm in summary["arms"]] == names and summary["seeds"] == [0, 3]
    found = [arm["tasks"][0]["rows"]["labelled"]["systems"]["model probe 100 %"] for arm in summary["arms"]]
    assert [entry["num_seeds"] for entry in found] == [2, 2]
    for entry in found:
        assert entry["auroc"]["value"] == pytest.approx(np.mean(entry["seeds"]["auroc"]))
    weights = [json.loads(path.read_text()) for path in (tmp_path / "out" / "runs").glob("*/seed_3/config.json")]
    assert sorted(config["mitigation_weight"] for config in weights) == [0.0, 0.5]
    page = (tmp_path / "out" / "ablation.md").read_text()
    assert "## probe 100 %: macro AUROC, labelled" in page and page.count("| model.config.mitigation_weight=0.5 |") > 3
    told = capsys.readouterr().out
    assert all(f"== {name}\n" in told for name in names) and f"made: {tmp_path / 'out' / 'ablation.md'} " in told
    # what is done is not trained again
    monkeypatch.setattr("hf_ecg.training.prior_runs.pretrain", lambda *a, **k: pytest.fail("trained again"))
    assert script.main(command)["arms"] == summary["arms"]
    with pytest.raises(ValueError, match="cannot resume the run"):
        script.main([*command, "optimizer.lr=0.5"])
