"""CLEF's published encoders and ECGFounder's classifiers."""

from functools import partial

from ..shared.family import Source
from .convert_ecg_resnext import (
    CLEF_SIZES,
    ECGFOUNDER_LEADS,
    UNUSED,
    clef_config,
    clef_feature_extractor,
    convert_clef,
    convert_ecgfounder,
    ecgfounder_config,
    ecgfounder_feature_extractor,
)
from .modeling_ecg_resnext import ECGResNeXtForECGClassification, ECGResNeXtModel

_CLEF = tuple(
    Source(
        name=name,
        title="CLEF",
        summary="CLEF's encoder",
        convert=convert_clef,
        model=ECGResNeXtModel,
        config=partial(clef_config, name),
        feature_extractor=clef_feature_extractor,
        repository="https://github.com/Nokia-Bell-Labs/ecg-foundation-model",
        commit="0a1156edd082f6ce56e6edc2948b38ec98cfa6e6",
        paper="CLEF: Clinically-Guided Contrastive Learning for Electrocardiogram Foundation Models (arXiv"
        " 2512.02180)",
        licence="bsd-3-clause-clear",
        weights="https://zenodo.org/records/17572734 (the README's link spells the large one `clef_largel.ckpt`)",
        file=f"{name.replace('-', '_')}.ckpt",
        network="1-D ResNeXt with squeeze-and-excitation: a convolution of 16 samples with stride 2, Swish, then"
        " stages of blocks (1, 16 grouped, 1), the first of each with stride 2. No normalisation layer."
        " `pooler_output` is the mean over positions, which the contrastive loss acted on without a projector.",
        preparation="The pretraining drew all twelve leads. Missing samples by linear interpolation; the original"
        " takes 500 Hz for granted, here other rates are resampled. Shorter records of a batch are padded, and the"
        " padding does not change their embedding. Against the original's own output the filtered lead differs by less"
        " than 2e-3 mV and the normalised one by less than 1e-2: this filter (`ba`, order 5) is so ill-conditioned"
        " that the last bit of a coefficient moves it that far.",
        unused=UNUSED,
        caveats=(
            "The licence grants no patent rights, and says so in so many words.",
            'One lead a record: say which by `lead="I"` when a record has several of the twelve.',
            "The z-score takes the voltage away: criteria such as those of hypertrophy are not visible to the model.",
            "The released training never uses the mechanism for missing metadata that the paper is about, and takes an"
            " unknown risk for the lowest one.",
            "The released evaluation reads lead II, while the paper reports lead I.",
            "Pretrained on MIMIC-IV-ECG, one hospital, one record a patient.",
        ),
    )
    for name in CLEF_SIZES
)

_ECGFOUNDER = tuple(
    Source(
        name=name,
        title="ECGFounder",
        summary="ECGFounder's classifier of 150 statements",
        convert=convert_ecgfounder,
        model=ECGResNeXtForECGClassification,
        config=partial(ecgfounder_config, name),
        feature_extractor=partial(ecgfounder_feature_extractor, leads),
        repository="https://github.com/PKUDigitalHealth/ECGFounder",
        commit="04edac702b61c91face519774ddcc0cd712fef23",
        paper="Li et al., An Electrocardiogram Foundation Model Built on over 10 Million Recordings, NEJM AI 2025"
        " (arXiv 2410.04133)",
        licence="mit",
        weights="https://huggingface.co/PKUDigitalHealth/ECGFounder",
        file=f"{len(leads)}_lead_ECGFounder.pth",
        network="The medium size of CLEF's network, a 1-D ResNeXt with squeeze-and-excitation and without"
        " normalisation layers, and a linear head of 150 outputs on the mean over 20 positions. `id2label` holds the"
        " 150 statements in the order of the outputs (tasks.txt of the repository, MIT, part of this package)."
        " Multi-label: a sigmoid each. The published thresholds are not in the repository; 0.5 is not an operating"
        " point.",
        preparation="What the README says must be followed strictly: missing samples become zero. Then a 50 Hz notch"
        " (Q 30) and a band-pass, each forward and backward. The running median of 201 samples (zeros beyond the"
        " edges) is taken off, and one z-score is over all leads. It agrees with the original's own output to 1e-5 mV"
        " before the z-score and 5e-5 after it. The original interpolates every record to 5,000 samples, whatever its"
        " duration, so that 8 s of ECG beat at four fifths of their rate. Here the time is kept, and a record that is"
        " not 10 s long is refused: cut or pad it.",
        unused=UNUSED,
        caveats=(
            "`AutoModelForECGClassification` gives the logits, `AutoModel` the encoder alone.",
            "The published 150-class evaluation applies no filter, against the README, and chooses its thresholds on"
            " the test records it reports. The fine-tuning notebook selects its model on the test set.",
            "The notch removes 50 Hz only; the 40 Hz band-pass takes care of 60 Hz.",
            "The z-score keeps the proportions of the leads, not the voltage.",
            "The single-lead model accepts lead I, on which it was evaluated. To try it on another:"
            ' `AutoFeatureExtractor.from_pretrained("OUT", leads=["II"])`.',
            "The training code is not published; training data are one health system's (Harvard-Emory).",
        ),
    )
    for name, leads in ECGFOUNDER_LEADS.items()
)

SOURCES = _CLEF + _ECGFOUNDER
