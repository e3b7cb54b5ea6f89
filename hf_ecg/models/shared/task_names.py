"""The names by which `transformers.pipeline` finds this package's pipelines, and which of them is for what model."""

FEATURES, CLASSES, ZERO_SHOT = "ecg-feature-extraction", "ecg-classification", "zero-shot-ecg-classification"
RECONSTRUCTION = "ecg-lead-reconstruction"
# role of a model (see `roles`) -> the task that a card of it names
TASK_OF_ROLE = {
    "encoder": FEATURES,
    "classifier": CLASSES,
    "survival model": FEATURES,
    "dual encoder": ZERO_SHOT,
    "delineation": FEATURES,
    "lead reconstruction": RECONSTRUCTION,
    "pretraining": FEATURES,
}
