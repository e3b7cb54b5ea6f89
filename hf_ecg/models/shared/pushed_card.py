"""The card of a model that is pushed by itself, by `model.push_to_hub(id)`: what it is, and how it is loaded."""

from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard, ModelCardData

from ...cards import TAGS
from .task_names import TASK_OF_ROLE

# what transformers writes where there is no card, and asks to be filled
_UNFILLED = "[More Information Needed]"
_BODY = """
# {name}

A model of [hf_ecg](https://pypi.org/project/hf-ecg/). `pip install hf-ecg`, then

```python
import hf_ecg  # registers the classes with the Auto classes
from transformers import {auto}

model = {auto}.from_pretrained("{repo_id}")
```

With the feature extractor or processor pushed beside it, `pipeline("{task}", model="{repo_id}")` of transformers
answers for ECGs, after `import hf_ecg` too.

Nobody has stated here what the model was trained on, how good it is, or under which licence it may be used.
"""

# role -> the Auto class that gives the model whole
_AUTO = {
    "classifier": "AutoModelForECGClassification",
    "survival model": "AutoModelForECGSurvival",
    "delineation": "AutoModelForECGDelineation",
    "pretraining": "AutoModelForPreTraining",
}


def write_pushed_card(folder, repo_id: str, name: str, role: str, model_type: str) -> None:
    """Write the card into a folder that is about to be uploaded; one that somebody has filled keeps its text.

    Args:
        folder: with a README.md, or without.
        repo_id: OWNER/NAME.
        name: the model's class.
        role: see `hf_ecg.models.shared.roles.model_role`.
        model_type: of its configuration.
    """
    path, task, tags = Path(folder) / "README.md", TASK_OF_ROLE[role], [*TAGS, model_type]
    card = ModelCard.load(path) if path.is_file() else None
    if card is None or _UNFILLED in card.text:
        data = ModelCardData(library_name="hf_ecg", pipeline_tag=task, tags=tags)
        body = _BODY.format(name=name, auto=_AUTO.get(role, "AutoModel"), repo_id=repo_id, task=task)
        body = body.replace("from transformers import AutoModelForECG", "from hf_ecg import AutoModelForECG")
        card = ModelCard(f"---\n{data.to_yaml()}\n---\n{body}")
    front: Any = card.data
    front.tags = list(dict.fromkeys([*(front.tags or []), *tags]))
    front.library_name = front.library_name or "hf_ecg"
    front.pipeline_tag = front.pipeline_tag or task
    card.save(path)
