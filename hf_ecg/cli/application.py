"""The table of all commands."""

import click

from ..version import __version__
from .groups import Entry, Group

prepare = Group(
    "prepare",
    "Make a corpus: published records to parquet that plain load_dataset reads.",
    {
        "folder": Entry("prepare.folder", "your own files or array, with a table of labels"),
        "ptb_xl": Entry("prepare.ptb_xl", "PTB-XL"),
        "mimic_iv_ecg": Entry("prepare.mimic_iv_ecg", "MIMIC-IV-ECG"),
        "cpsc2018": Entry("prepare.cpsc2018", "CPSC2018"),
        "csn": Entry("prepare.csn", "Chapman-Shaoxing-Ningbo"),
        "cinc2017": Entry("prepare.cinc2017", "the PhysioNet/CinC Challenge 2017, one lead"),
        "mit_bih": Entry("prepare.mit_bih", "the MIT-BIH Arrhythmia Database, beats of two leads"),
        "shdb_af": Entry("prepare.shdb_af", "SHDB-AF, windows of Holter days with atrial fibrillation or not"),
        "code15": Entry("prepare.code15", "CODE-15%"),
        "cinc2021": Entry("prepare.cinc2021", "the PhysioNet/CinC Challenge 2021"),
        "music": Entry("prepare.music", "MUSIC: Holter recordings of heart failure, with the outcome"),
        "icentia11k": Entry("prepare.icentia11k", "Icentia11k: beats and rhythms of one lead"),
        "mc_med": Entry("prepare.mc_med", "MC-MED: lead II of an emergency department, with disposition and triage"),
        "aurora_bp": Entry("prepare.aurora_bp", "Aurora-BP: a wearable's ECG with blood pressure"),
        "simulated": Entry("prepare.simulated", "simulated records, for demonstrations and tests, never for evidence"),
        "measurements": Entry("prepare.measurements", "measure a prepared corpus: weak labels of waveform features"),
        "targets": Entry("prepare.targets", "add numbers and labels from another table, by patient and date"),
        "lvef": Entry("prepare.lvef", "read ejection fractions out of notes, for prepare targets"),
        "near_duplicates": Entry("prepare.near_duplicates", "find recordings that two corpora share"),
        "merl_splits": Entry("prepare.merl_splits", "tell what is wrong with MERL's released split tables"),
    },
)

evaluate = Group(
    "evaluate",
    "Judge models: every figure with its interval, its companions and its protocol.",
    {
        "zero-shot": Entry("evaluate.zero_shot", "classification by prompts"),
        "probe": Entry("evaluate.probe", "linear probe of frozen encoders"),
        "classify": Entry("evaluate.classify", "one record by prompts"),
        "retrieve": Entry("evaluate.retrieve", "ECGs by texts, texts by ECGs, ECGs by ECGs"),
        "reports": Entry("evaluate.reports", "reports that a model writes of ECGs"),
        "af-burden": Entry("evaluate.af_burden", "share of time in atrial fibrillation, of long recordings"),
        "robustness": Entry("evaluate.robustness", "any model under fewer leads and more noise"),
        "lead-reconstruction": Entry("evaluate.lead_reconstruction", "twelve leads that a model makes of a few"),
        "simplicity-bias": Entry("evaluate.simplicity_bias", "whether a model leans on the easiest cue"),
        "clef-tasks": Entry("evaluate.clef_tasks", "CLEF's 18 tasks and the Challenge 2017, as far as data are there"),
        "noise-detection": Entry("evaluate.noise_detection", "detectors of noise, on records whose noise is known"),
        "benchmark": Entry("evaluate.benchmark", "the six tasks of MERL and FG-CLEP, or an ablation on them"),
    },
)

augment_reports = Group(
    "augment-reports",
    "Propose and verify waveform features of reports.",
    {
        "propose": Entry("study.augment_reports.propose", "ask which waveform features the reports imply"),
        "verify": Entry("study.augment_reports.verify", "keep those that the signal supports, write the corpus"),
    },
)

study = Group(
    "study",
    "Train several models and compare them.",
    {
        "compare": Entry("study.compare", "ways to train, by rotation over folds: does A beat B?"),
        "sweep": Entry("study.sweep", "settings of a recipe, with time as the budget"),
        "cohorts": Entry("study.cohorts", "does it hurt to mix hospitals? pretraining by cohort, in and out of each"),
        "fg-clep": Entry("study.fg_clep", "FG-CLEP's three stages in one command"),
        "augment-reports": augment_reports,
        "beyond-rules": Entry("study.beyond_rules", "what a model adds to the rules that it was taught by"),
        "noise": Entry("study.noise", "detectors of noise, trained on one corpus and judged on another"),
        "risk-gradient": Entry("study.risk_gradient", "what a contrastive gradient owes to the metadata"),
        "shift": Entry("study.shift", "which training holds when the patients change"),
        "risk-spread": Entry("study.risk_spread", "how far apart risks must lie to show, on made waveforms"),
        "pretrained": Entry("study.pretrained", "make the models that are inside the package"),
        "beats": Entry("study.beats", "beats of MIT-BIH, between patients and within them"),
        "judge-verifier": Entry("study.judge_verifier", "verifiers, on statements that the texts withheld"),
    },
)

application = click.version_option(__version__, prog_name="hf-ecg")(
    Group(
        "hf-ecg",
        "ECG foundation models behind the Hugging Face API: corpora, pretraining, honest evaluation.",
        {
            "demo": Entry("demo", "Show a page in the browser: drop an ECG, see it, its measurements and answers."),
            "tour": Entry("tour", "Show everything: an answer at once, two trainings, and a page of it all."),
            "prepare": prepare,
            "pretrain": Entry("pretrain", "Pretrain a model by a recipe."),
            "finetune": Entry("finetune", "Fine-tune an encoder on labels or numbers, and judge it."),
            "language-model": Entry("language_model", "Train a language model on reports."),
            "evaluate": evaluate,
            "calibrate": Entry("calibrate", "Say how sure a model's answers are, and calibrate them."),
            "audit": Entry("audit", "Say for whom a model works less well, and look for leakage."),
            "study": study,
            "embed": Entry("embed", "Embed records into a parquet file."),
            "measure": Entry("measure", "Measure ECGs: rate, intervals, axes, voltages, beats."),
            "plot": Entry("plot", "Draw ECGs on standard paper, or curves of training runs."),
            "explain": Entry("explain", "Show which parts of an ECG speak for an answer."),
            "pictures": Entry("pictures", "Draw what a model makes of a corpus."),
            "simulate": Entry("simulate", "Simulate one ECG as a WFDB record."),
            "convert-signal": Entry("convert_signal", "Write a recording as WFDB, EDF, parquet or CSV."),
            "convert": Entry("convert", "Convert a published checkpoint."),
            "export": Entry("export", "Write a model as ONNX, and in whole numbers."),
            "card": Entry("card", "Write a model's card from what is in its folder."),
            "push": Entry("push", "Push a model or a corpus to the Hub, in one commit."),
            "info": Entry("info", "Tell versions, devices and extras, or what a folder or a recording is."),
        },
        epilog="`hf-ecg COMMAND --help` tells the options. A failure is one sentence; --debug adds the traceback.",
    )
)
