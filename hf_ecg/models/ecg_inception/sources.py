"""Ahus AIM's network of the CinC Challenge 2025."""

from ..shared.family import Source
from .convert_ecg_inception import ahus_config, ahus_feature_extractor, convert_ahus
from .modeling_ecg_inception import ECGInceptionForECGClassification

SOURCES = (
    Source(
        name="ahus-chagas",
        title="Ahus AIM",
        summary="Ahus AIM's detector of Chagas disease",
        convert=convert_ahus,
        model=ECGInceptionForECGClassification,
        config=ahus_config,
        feature_extractor=ahus_feature_extractor,
        repository="https://github.com/Ahus-AIM/physionet-challenge-2025",
        commit="22ef1aa7d26b509fa2b411d1e07787f842e8adc5",
        paper="Detection of Chagas Disease from the ECG: Ahus AIM's Entry for the George B. Moody PhysioNet Challenge"
        " 2025 (Computing in Cardiology 2025); InceptionTime, arXiv 1909.04939",
        licence="mit",
        weights="in the repository, `src/weights/load_and_train_2025-09-14_19-32-45_val_fold_0_checkpoint_000005.pt`,"
        " and as many files as there are folds; this one is fold 0",
        file="val_fold_0_checkpoint_000005.pt",
        sha256="3134d7f1421316932bbc735ebb5fdd4ad53b4b9e259998d2aaedf942e7273aa4",
        network="Two convolutions of 5 samples with stride 2 and without padding, each with BatchNorm and GELU. Then"
        " six Inception blocks: a bottleneck of 32 channels, convolutions of 9, 19 and 39 positions, a branch with a"
        " max-pool of 3; BatchNorm, GELU. A shortcut stands around each three. `pooler_output` is the mean over"
        " positions, of 128 channels; a linear layer without bias gives one logit.",
        preparation="The last eight of the standard leads: aVL and aVF follow from I and II where they are absent. The"
        " network was trained on crops of 800 samples (2 s); it takes any length, and the recipe gives it the whole"
        " record. The standard deviation is that of n - 1 samples.",
        caveats=(
            "Trained on CODE-15 %: a figure on that corpus is not a test.",
            "The file is one of five folds; the authors' entry is an ensemble.",
            "The authors' inference also cuts off zeros at both ends and filters, 0.5 to 150 Hz, before the z-score."
            " The recipe here is that of the stored reference outputs, without either.",
            "The logit is not calibrated: a sigmoid above 0.5 is not a probability above one half where you are.",
            "The z-score takes the voltage away.",
        ),
    ),
)
