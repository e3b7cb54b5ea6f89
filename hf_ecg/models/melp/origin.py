"""What MELP's encoder and its whole model have in common: where they come from, and what to know of them."""

from typing import Any

# Fields of `Source` that all of MELP's weights share.
ORIGIN: dict[str, Any] = {
    "repository": "https://github.com/HKU-MedAI/MELP",
    "commit": "088741d271a98bbf0b96a0b171c3837593356185",
    "paper": "Wang et al., From Token to Rhythm: A Multi-Scale Approach for ECG-Language Pretraining, ICML 2025"
    " (arXiv 2506.21803)",
    "licence": "apache-2.0",
    "preparation": "The whole record is scaled to 0..1. Leads stand in the order of MIMIC-IV-ECG's files, **aVF before"
    " aVL**.",
}
ENCODER = (
    "ECG-FM's body with 8 blocks on 10 s, whose 312 frames two pools look at. Fourteen learned queries of 256 numbers"
    " make the beat vectors, whose mean is `pooler_output`; 128 queries of 768 numbers make the tokens that reports"
    " are written from. `beat_embeds` are the beat vectors in the space of sentences, `caption_states` those tokens."
)
CAVEATS = (
    "The scaling takes the voltage away, and the body's first norm what is left of it: criteria such as those of"
    " hypertrophy are not visible to the model.",
    "The same beats give other numbers in a longer record. Keep to 10 s.",
    "The pretraining leaves leads out by zeros, which are the record's lowest value and not its baseline.",
    "Pretrained on MIMIC-IV-ECG. The validation that chose the published weights names three of PTB-XL's"
    " sub-classes in another order than its labels: which epoch was best was partly read off wrong classes.",
    "The published linear probe takes a softmax over labels of which several may be true: its AUROC is of shares, not"
    " of probabilities, and not comparable with ours.",
)
