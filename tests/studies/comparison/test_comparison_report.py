"""What is made of the scores of a comparison's runs."""

import numpy as np
import pytest

from hf_ecg.clinical.prompts import load_prompts
from hf_ecg.evaluation.judging.asked_texts import asked_texts
from hf_ecg.evaluation.judging.features import classifier_logits, ecg_embeddings
from hf_ecg.evaluation.judging.label_text import TextEmbeddings, scores_by_text, scores_of_embeddings, standardized
from hf_ecg.evaluation.judging.rule_scores import corpus_margins, described_features, feature_shares, rule_scores
from hf_ecg.evaluation.options import IntervalOptions
from hf_ecg.studies.comparison.arm_runs import Run, enrich_turn, enriched_folder, recipe_of, train_run
from hf_ecg.studies.comparison.comparison_report import comparison_tasks
from hf_ecg.studies.comparison.comparison_spec import (
    ArmSection,
    Comparison,
    EnrichmentSection,
    MeasureSection,
    rotation,
)
from hf_ecg.studies.comparison.measures import JudgedRows, measure_run, scores_path
from tests.evaluation import tiny

MEASURES = {
    "rhythm": MeasureSection("probe", label_set="rhythm"),
    "age": MeasureSection("regression", target="age"),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("judged") / "corpus"
    whole = tiny.dataset(240)
    ages = [40.0 + index % 30 for index in range(len(whole))]
    whole = whole.remove_columns("age").add_column("age", ages, feature=whole.features["age"])
    tiny.write_corpus(folder, whole=whole)
    return folder


def write(run, name, judged, scores):
    path = scores_path(run, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = judged.rows(run.turn.test, name)
    np.savez(path, scores=scores, records=np.array([judged.records[row] for row in rows]))


def test_turns_are_ranked_apart_and_numbers_stay_numbers(data, tmp_path):
    """Each turn's model is perfect on a scale of its own: so is the pooled one, unless scales are mixed."""
    judged = JudgedRows(str(data), tiny.CONFIG, MEASURES)
    turns = rotation()
    comparison = Comparison("t", "r", {"A": ArmSection(), "B": ArmSection()}, MEASURES, differences=[["A", "B"]])
    for number, turn in enumerate(turns):
        for arm, error in (("A", 2.0), ("B", 5.0)):
            run = Run(arm, turn, 0, tmp_path)
            rows = judged.rows(turn.test, "rhythm")
            labels = judged.truth["rhythm"][1][rows].astype(float)
            write(run, "rhythm", judged, labels + 100 * number)
            ages = judged.truth["age"][1][judged.rows(turn.test, "age")]
            write(run, "age", judged, ages + error)
    seeds = {"rhythm": [0], "age": [0]}
    rhythm, age = comparison_tasks(comparison, judged, turns, seeds, tmp_path, IntervalOptions(20, minimum=3))
    # equal scores of unequal turns share ranks, so that a turn of other prevalence costs a little
    assert rhythm["systems"]["A"]["macro"]["auroc"]["value"] > 0.95
    assert rhythm["label_set"] == "rhythm" and rhythm["differences"][0]["macro"]["auroc"]["value"] == 0
    assert age["figures"]["A"]["mae"]["value"] == pytest.approx(2) and age["unit"] == "years"
    assert age["figure_differences"][0]["mae"]["value"] == pytest.approx(-3)


@pytest.mark.parametrize("ensemble", [False, True])
def test_prompts_are_asked_of_the_run_itself(data, tmp_path, ensemble):
    prompts = tiny.save_prompts(tmp_path / "rhythm.yaml")
    measures = {"form": MeasureSection("prompts", prompts=str(prompts), ensemble=ensemble)}
    judged = JudgedRows(str(data), tiny.CONFIG, measures)
    run = Run("A", rotation()[2], 0, tmp_path / "OUT")
    model, processor = tiny.dual_encoder(seed=3), tiny.processor()
    model.save_pretrained(run.folder)
    processor.save_pretrained(run.folder)
    model.ecg_model.save_pretrained(run.encoder)
    tiny.feature_extractor().save_pretrained(run.encoder)
    tiny.write_facts(run.folder, train_folds=list(run.turn.train), validation_folds=list(run.turn.validation))
    measure_run(run, measures, judged)
    rows = judged.rows(run.turn.test, "form")
    embeds = ecg_embeddings(model.eval(), processor, judged.dataset.select(rows))
    wanted = scores_of_embeddings(model, processor, embeds, load_prompts(prompts), ensemble)
    with np.load(scores_path(run, "form")) as content:
        np.testing.assert_allclose(content["scores"], wanted, rtol=1e-4, atol=1e-5)


def test_arms_are_asked_by_descriptions_and_rules_train_nothing(data, tmp_path):
    prompts = str(tiny.save_prompts(tmp_path / "rhythm.yaml"))
    ways = ("descriptions", "names_and_descriptions", "descriptions_and_rules")
    measures = {way: MeasureSection("prompts", prompts=prompts, by=way) for way in ways} | MEASURES
    arms = {"rules": ArmSection(rules=True), "A": ArmSection()}
    comparison = Comparison("t", "r", arms, measures, differences=[["A", "rules"]])
    assert comparison.arms_of("rhythm") == ["A"] and comparison.arms_of(ways[0]) == ["rules", "A"]
    judged = JudgedRows(str(data), tiny.CONFIG, measures)
    turn, prompt_set = rotation()[4], load_prompts(prompts)
    runs = {arm: Run(arm, turn, 0, tmp_path / "OUT") for arm in arms}
    model, processor = tiny.dual_encoder(seed=3), tiny.processor()
    model.save_pretrained(runs["A"].folder)
    processor.save_pretrained(runs["A"].folder)
    tiny.write_facts(runs["A"].folder, train_folds=list(turn.train), validation_folds=list(turn.validation))
    asked = {way: measures[way] for way in ways}
    train_run(comparison, runs["rules"], None)
    measure_run(runs["rules"], asked, judged, rules=True)
    measure_run(runs["A"], asked, judged)
    rows = judged.rows(turn.test, ways[0])
    chosen = judged.dataset.select(rows)
    rules, _ = rule_scores(corpus_margins(chosen, described_features([prompt_set]), progress=False), prompt_set)
    embeds = ecg_embeddings(model.eval(), processor, chosen)
    told = scores_by_text(TextEmbeddings(model, processor), embeds, asked_texts(prompt_set))
    wanted = told | {"descriptions_and_rules": standardized(told["descriptions"]) + standardized(rules)}
    for way in ways:
        for arm, scores in (("rules", rules), ("A", wanted[way])):
            with np.load(scores_path(runs[arm], way)) as content:
                np.testing.assert_allclose(content["scores"], scores, rtol=1e-3, atol=1e-4)


def test_rare_features_weigh_more_where_a_measure_asks_for_it(data, tmp_path):
    prompts = str(tiny.save_prompts(tmp_path / "rhythm.yaml"))
    ways = {"rare": "descriptions", "rare and rules": "descriptions_and_rules"}
    measures = {name: MeasureSection("prompts", prompts=prompts, by=by, rarity=True) for name, by in ways.items()}
    judged = JudgedRows(str(data), tiny.CONFIG, measures)
    turn, prompt_set = rotation()[4], load_prompts(prompts)
    features = described_features([prompt_set])
    limits = np.linspace(0.1, 0.9, len(features))
    generator = np.random.default_rng(0)
    judged.margins = {
        text: generator.random(len(judged.folds)) - limit for text, limit in zip(features, limits, strict=True)
    }
    run = Run("A", turn, 0, tmp_path / "OUT")
    model, processor = tiny.dual_encoder(seed=3), tiny.processor()
    model.save_pretrained(run.folder)
    processor.save_pretrained(run.folder)
    tiny.write_facts(run.folder, train_folds=list(turn.train), validation_folds=list(turn.validation))
    measure_run(run, measures, judged)
    rows, training = judged.rows(turn.test, "rare"), np.isin(judged.folds, list(turn.train))
    shares = feature_shares({text: values[training] for text, values in judged.margins.items()})
    embeds = ecg_embeddings(model.eval(), processor, judged.dataset.select(rows))
    texts, asked = TextEmbeddings(model, processor), asked_texts(prompt_set)
    usual, rare = (scores_by_text(texts, embeds, one)["descriptions"] for one in (asked, asked.by_rarity(shares)))
    assert np.abs(usual - rare).max() > 5e-5
    rules, _ = rule_scores({text: values[rows] for text, values in judged.margins.items()}, prompt_set, shares)
    for name, wanted in (("rare", rare), ("rare and rules", standardized(rare) + standardized(rules))):
        with np.load(scores_path(run, name)) as content:
            np.testing.assert_allclose(content["scores"], wanted, rtol=1e-5, atol=1e-6)


def test_a_classifier_answers_by_its_own_outputs_beside_arms_that_are_asked(data, tmp_path):
    prompts = str(tiny.save_prompts(tmp_path / "rhythm.yaml"))
    measures = {way: MeasureSection("prompts", prompts=prompts, by=way) for way in ("names", "descriptions")}
    arms = {"supervised": ArmSection()}
    judged, turn = JudgedRows(str(data), tiny.CONFIG, measures), rotation()[4]
    run = Run("supervised", turn, 0, tmp_path / "OUT")
    names = judged.truth["names"][0]
    model = tiny.classifier([*(f"rhythm: {name}" for name in reversed(names)), "form: LVH"], seed=3)
    extractor = tiny.feature_extractor()
    for folder, part in ((run.folder, model), (run.encoder, model.get_ecg_encoder())):
        part.save_pretrained(folder)
        extractor.save_pretrained(folder)
    tiny.write_facts(run.folder, train_folds=list(turn.train), validation_folds=[], label_sets=["rhythm", "form"])
    measure_run(run, measures, judged)
    rows = judged.rows(turn.test, "names")
    wanted = classifier_logits(model, extractor, judged.dataset.select(rows))[:, : len(names)][:, ::-1]
    for way in measures:
        with np.load(scores_path(run, way)) as content:
            np.testing.assert_allclose(content["scores"], wanted, rtol=1e-4, atol=1e-5)
    comparison, seeds = Comparison("t", "r", arms, measures, turns=1), {way: [0] for way in measures}
    tasks = comparison_tasks(comparison, judged, [turn], seeds, tmp_path / "OUT", IntervalOptions(20, minimum=3))
    assert [task["protocol"] for task in tasks] == ["supervised", "supervised"]


def test_a_run_is_not_judged_on_folds_that_it_has_seen(data, tmp_path):
    judged = JudgedRows(str(data), tiny.CONFIG, MEASURES)
    run = Run("A", rotation()[0], 0, tmp_path)
    tiny.dual_encoder().ecg_model.save_pretrained(run.encoder)
    tiny.feature_extractor().save_pretrained(run.encoder)
    tiny.write_facts(run.folder, train_folds=[2, 4, 5], validation_folds=[3])
    with pytest.raises(ValueError, match=r"was trained on folds \[2\]"):
        measure_run(run, MEASURES, judged)


def test_the_judges_of_a_turn_see_what_it_trains_and_selects_on(repository, tmp_path, monkeypatch):
    directory = repository / "train/comparisons"
    arms = {"verified": ArmSection(overrides=["data.sources.0.path={enriched}"])}
    section = EnrichmentSection("../stages/fg_clep_ptb_xl.yaml", ["run.epochs=2"])
    comparison = Comparison("t", "../recipes/clep_ptb_xl.yaml", arms, MEASURES, enrichment=section)
    called = []
    monkeypatch.setattr("hf_ecg.studies.comparison.arm_runs.enrich", lambda *arguments: called.append(arguments))
    run = Run("verified", rotation()[3], 7, tmp_path)
    enrich_turn(comparison, run, directory, ["data.sources.0.path=CORPUS"])
    ((_, first, folder, shared),) = called
    (source,) = first.data.sources
    assert (source.folds.train, source.folds.validation) == ([1, 2, 3, 4, 5, 6, 10], [9])
    assert (first.run.seed, first.run.epochs, source.path) == (7, 2, "CORPUS")
    # what is proposed and what the signals say is not a matter of turn or seed
    assert folder == enriched_folder(run) and shared == tmp_path
    assert recipe_of(comparison, run, directory, ["data.sources.0.path=CORPUS"]).data.sources[0].path == str(
        folder / "corpus"
    )
