"""A corpus, two recipes and a file of stages, all tiny."""

import json
from pathlib import Path

import yaml

from tests.enrichment.verification import made


def write(folder: Path) -> Path:
    """Writes `corpus/`, `first.yaml`, `third.yaml` and `stages.yaml`."""
    made.write_corpus(folder / "corpus", 300)
    first = made.clep_recipe(folder / "corpus", made.write_text_tower(folder / "text"), epochs=1).to_dict()
    third = json.loads(json.dumps(first))
    third["model"] = {"class": "ECGTextModel"}
    third["data"]["sources"][0]["path"] = None
    third["data"]["columns"] = {"text": "augmented_report"}
    for name, content in (("first", first), ("third", third)):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content))
    content = {"first": "first.yaml", "third": "third.yaml", "verification": {"verifier": ["clep"], "num_proc": 1}}
    (folder / "stages.yaml").write_text(yaml.safe_dump(content))
    return folder
