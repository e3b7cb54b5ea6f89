"""Names and numbers that help and the check of options need before anything is imported.

They belong to the modules named here; `tests/cli/test_words.py` holds each against its own.
"""

# hf_ecg.evaluation
CROPS = ("mean", "max")
REPLICATES, MINIMUM_COUNT = 1000, 10
STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
UNANNOTATED = (LEAVE_OUT, _, _) = ("leave_out", "negative", "labelled")
PROTOCOLS = ("label-text", "zero-shot")
BY = (NAMES, _, _) = ("names", "descriptions", "names_and_descriptions")
METRICS = ("auroc", "auprc")
WHEN = ("both", "before", "after")
TIES = ("error", "leave_out", "first")
CLOCKS = ("wall", "cpu")
PROBLEMS = (MULTI_LABEL, _, REGRESSION, SURVIVAL) = ("multi_label", "single_label", "regression", "survival")
BENCHMARK_TASKS = (
    "ptb_xl_superdiagnostic",
    "ptb_xl_subdiagnostic",
    "ptb_xl_form",
    "ptb_xl_rhythm",
    "cpsc2018",
    "csn",
)
LEAD_SETS = ("I", "II", "I+II", "I+II+V2", "I+II+V1+V5")
CLEF_TASKS = (
    "ptb_xl_diagnostic",
    "ptb_xl_subdiagnostic",
    "ptb_xl_superdiagnostic",
    "ptb_xl_form",
    "ptb_xl_rhythm",
    "chapman",
    "lvef_class",
    "music_outcome",
    "icentia_beat",
    "icentia_rhythm",
    "mc_med_ed_disposition",
    "mc_med_discharge",
    "mc_med_acuity",
    "lvef",
    "mc_med_sbp",
    "mc_med_dbp",
    "aurora_sbp",
    "aurora_dbp",
    "cinc2017",
)
ROBUSTNESS_TABLES = ("grid", "tolerantecg")
BANDS_HZ = (1.0, 5.0, 15.0, 40.0)
NOISE_KINDS, SNRS_DB = ("bw", "em", "ma"), (12.0, 6.0, 0.0, -6.0)
SNR_RULES = ("nstdb", "compat_tolerantecg")
NOISE_METHODS = ("hrv", "hrv_and_waveform")
NOISE_CLASSIFIERS = ("logistic_regression", "svc", "decision_tree", "random_forest", "gradient_boosting")
BENCHMARK_PARTS = ("prompts", "ensemble", "probe")
CALIBRATION_METHODS, OOD_SCORES = ("temperature", "platt", "isotonic"), ("mahalanobis", "energy")

# hf_ecg.enrichment
PROPOSERS = (TABLE, _, _) = ("table", "endpoint", "local")
DEFAULT_PROMPT = "waveform_features_v1"
VERIFIERS = (MEASURED, CLEP) = ("measured", "clep")
GROUPS, SWAPS = 2, 10
TARGET_PRECISION, MINIMUM_POSITIVES = 0.9, 20

# hf_ecg.data.readers
CINC2021_SOURCES = (
    "cpsc_2018",
    "cpsc_2018_extra",
    "st_petersburg_incart",
    "ptb",
    "ptb_xl",
    "georgia",
    "chapman_shaoxing",
    "ningbo",
)
UNKNOWN_CODES = ("skip", "keep")
MERL_LABELS = ("exact", "merl")
SHORT_RECORDS = ("keep", "skip")
TEXT_SOURCES = ("statements", "report")
WITHHOLDABLE = ("diagnostic", "form", "rhythm")
MIT_BIH_SPLITTINGS = ("inter_patient", "compat_ds1_ds2", "leaky")
AF_RHYTHMS = ("AFIB", "AFL")
MC_MED_SPLITTINGS = ("chronological", "random", "hash")
AURORA_PROTOCOLS = ("auscultatory", "oscillometric")
MIMIC_DROP = ("missing_samples", "flat_lead", "out_of_range_lead", "no_text")
ONE_RECORD = ("first", "last", "random")
DUPLICATE_THRESHOLD = 0.975

# hf_ecg.clinical
TEXT_STYLES = ("sentences", "merl")
REPORT_RULES = ("merl", "fg_clep")
REGIONS = ("low", "moderate", "high", "very_high")
OUT_OF_RANGE = ("nan", "clip", "extrapolate")

# hf_ecg.signals, hf_ecg.embed, hf_ecg.explanation, hf_ecg.plotting, hf_ecg.simulation
FINGERPRINT_LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
WINDOWS = ("all", "first", "recipe")
FORMATS = ("png", "svg")
PROJECTIONS = ("tsne", "umap")
EXPLANATIONS = ("integrated_gradients", "occlusion", "attention")
CONDITIONS = (
    "sinus_rhythm",
    "sinus_bradycardia",
    "sinus_tachycardia",
    "atrial_fibrillation",
    "ventricular_premature_complexes",
    "first_degree_av_block",
    "left_bundle_branch_block",
    "right_bundle_branch_block",
    "left_ventricular_hypertrophy",
    "inferior_infarction",
    "st_depression",
)
