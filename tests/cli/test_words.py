"""What help tells is what the library means."""

import pytest

from hf_ecg.cli import words
from hf_ecg.clinical import machine_reports, reports, score2, score2_tables
from hf_ecg.data import added_noise, near_duplicates, study_match
from hf_ecg.data.readers import (
    aurora_bp,
    cinc2021,
    mc_med_visits,
    merl_tables,
    mimic_iv_ecg,
    mit_bih,
    ptb_xl,
    shdb_af,
    snomed_records,
    withholding,
)
from hf_ecg.data.readers import windows as record_windows
from hf_ecg.embed import windows
from hf_ecg.enrichment.proposals import prompt, proposer_section
from hf_ecg.enrichment.verification import control, cross_fit, decisions, thresholds
from hf_ecg.evaluation import options, protocol
from hf_ecg.evaluation.benchmark import settings, tasks
from hf_ecg.evaluation.calibration import outliers, probability_maps
from hf_ecg.evaluation.clef_tasks import task_table
from hf_ecg.evaluation.judging import linear_probe, supervised, validation
from hf_ecg.evaluation.lead_reconstruction import lead_sets
from hf_ecg.evaluation.metrics import bootstrap, classification, retrieval_metrics
from hf_ecg.evaluation.robustness import conditions
from hf_ecg.evaluation.simplicity_bias import gradient_bands
from hf_ecg.explanation import explaining
from hf_ecg.plotting import _figure, embeddings
from hf_ecg.signals import fingerprint
from hf_ecg.signals.quality import noise_features
from hf_ecg.simulation import CONDITIONS
from hf_ecg.studies.noise_detection import fitting
from hf_ecg.training import step_costs


@pytest.mark.parametrize(
    "word, meant",
    [
        ("REPLICATES", bootstrap.REPLICATES),
        ("REPLICATES", retrieval_metrics.REPLICATES),
        ("METRICS", classification.METRICS),
        ("WHEN", study_match.WHEN),
        ("TIES", study_match.TIES),
        ("MINIMUM_COUNT", classification.MINIMUM_COUNT),
        ("STRENGTHS", linear_probe.STRENGTHS),
        ("UNANNOTATED", validation.UNANNOTATED),
        ("LEAVE_OUT", validation.LEAVE_OUT),
        ("PROTOCOLS", (protocol.LABEL_TEXT, protocol.ZERO_SHOT)),
        ("BY", options.BY),
        ("CROPS", options.CROPS),
        ("NAMES", options.NAMES),
        ("CLOCKS", step_costs.CLOCKS),
        ("PROBLEMS", supervised.PROBLEMS),
        ("MULTI_LABEL", supervised.MULTI_LABEL),
        ("REGRESSION", supervised.REGRESSION),
        ("BENCHMARK_TASKS", [task.name for task in tasks.TASKS]),
        ("BENCHMARK_TASKS", merl_tables.TASKS),
        ("BENCHMARK_PARTS", settings.PARTS),
        ("CALIBRATION_METHODS", probability_maps.METHODS),
        ("OOD_SCORES", outliers.SCORES),
        ("MC_MED_SPLITTINGS", mc_med_visits.SPLITTINGS),
        ("AURORA_PROTOCOLS", aurora_bp.PROTOCOLS),
        ("CLEF_TASKS", tuple(task.name for task in task_table.TASKS)),
        ("BANDS_HZ", gradient_bands.BANDS_HZ),
        ("ROBUSTNESS_TABLES", conditions.TABLES),
        ("LEAD_SETS", lead_sets.LEAD_SETS),
        ("NOISE_KINDS", tuple(added_noise.NOISES)),
        ("SNRS_DB", conditions.SNRS_DB),
        ("SNR_RULES", added_noise.RULES),
        ("NOISE_METHODS", tuple(noise_features.METHODS)),
        ("NOISE_CLASSIFIERS", tuple(fitting.CLASSIFIERS)),
        ("PROPOSERS", proposer_section.PROPOSERS),
        ("TABLE", proposer_section.TABLE),
        ("DEFAULT_PROMPT", prompt.DEFAULT_PROMPT),
        ("VERIFIERS", (decisions.MEASURED, decisions.CLEP)),
        ("GROUPS", cross_fit.GROUPS),
        ("SWAPS", control.SWAPS),
        ("TARGET_PRECISION", thresholds.TARGET_PRECISION),
        ("MINIMUM_POSITIVES", thresholds.MINIMUM_POSITIVES),
        ("CINC2021_SOURCES", cinc2021.NAMES),
        ("UNKNOWN_CODES", snomed_records.UNKNOWN_CODES),
        ("MERL_LABELS", merl_tables.LABELS),
        ("SHORT_RECORDS", record_windows.SHORT_RECORDS),
        ("TEXT_SOURCES", ptb_xl.TEXT_SOURCES),
        ("WITHHOLDABLE", withholding.WITHHOLDABLE),
        ("MIT_BIH_SPLITTINGS", mit_bih.SPLITTINGS),
        ("AF_RHYTHMS", shdb_af.AF_RHYTHMS),
        ("MIMIC_DROP", mimic_iv_ecg.DROP),
        ("ONE_RECORD", mimic_iv_ecg.ONE_RECORD),
        ("DUPLICATE_THRESHOLD", near_duplicates.THRESHOLD),
        ("TEXT_STYLES", machine_reports.TEXT_STYLES),
        ("REPORT_RULES", reports.REPORT_RULES),
        ("REGIONS", score2_tables.REGIONS),
        ("OUT_OF_RANGE", score2.OUT_OF_RANGE),
        ("FINGERPRINT_LEADS", fingerprint.FINGERPRINT_LEADS),
        ("WINDOWS", windows.WINDOWS),
        ("FORMATS", _figure.FORMATS),
        ("PROJECTIONS", embeddings.METHODS),
        ("EXPLANATIONS", explaining.METHODS),
        ("CONDITIONS", CONDITIONS),
    ],
)
def test_words_and_numbers_are_the_librarys(word, meant):
    told = getattr(words, word)
    assert list(told) == list(meant) if isinstance(told, tuple) else told == meant
