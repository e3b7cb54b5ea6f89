"""What stands beside a model's answers: that it learned from simulated records, or from few."""

from pathlib import Path

from transformers.utils import cached_file, logging

from .named_sources import may_be_on_hub
from .strict_json import read_json_object

logger = logging.get_logger(__name__)

# Published models of 12-lead ECGs learned from 10,000 (a challenge's) to millions of records.
FEW_RECORDS = 10_000
# what a run leaves beside the weights; older ones count their records in the second alone
FACTS_FILE = "training_facts.json"
RUN_FILE = "training_run.json"
_told: set[str] = set()


def trained_on_note(source, revision: str | None = None) -> str | None:
    """A sentence on what a model learned from, for people who read its answers.

    Args:
        source: folder or Hub id of a model; of a run's `encoder` folder the facts of the run count. An empty one is
            that of a model that was not loaded.
        revision: on the Hub.

    Returns:
        None where nothing of the kind is known of it: no simulated record, and not few.

    Raises:
        ValueError: facts that are not a JSON object.
    """
    facts, run = (read_beside(str(source), name, revision) for name in (FACTS_FILE, RUN_FILE))
    # `evaluation.protocol` checks them whole, and brings what no pipeline needs
    sources = [each for each in facts.get("sources") or () if isinstance(each, dict)]
    counts = [each["records"] for each in sources if each.get("records")] or [run.get("num_records")]
    records = sum(count for count in counts if isinstance(count, int))
    names = ", ".join(dict.fromkeys(str(each["config"]) for each in sources if each.get("config")))
    learned = f"{Path(str(source)).name} learned from {f'{records:,} ' if records else ''}"
    made = [each for each in sources if each.get("simulated") is True]
    if 0 < len(made) < len(sources):
        also = ", ".join(str(each["config"]) for each in made if each.get("config"))
        return f"{learned}records, simulated ones among them{f' ({also})' if also else ''}: do not trust its answers"
    if made or run.get("simulated") is True:
        return f"{learned}simulated ECGs: it shows that the code works, and its answers on real ones mean nothing"
    if not 0 < records < FEW_RECORDS:
        return None
    return f"{learned}records{f' ({names})' if names else ''}, which is few: it is not a medical device"


def tell_trained_on(source, revision: str | None = None) -> str | None:
    """Logs `trained_on_note` as a warning, once for each model, and gives it."""
    note = trained_on_note(source, revision)
    if note is not None and note not in _told:
        _told.add(note)
        logger.warning("%s", note)
    return note


def read_beside(source: str, name: str, revision: str | None = None) -> dict:
    """A JSON object that lies beside a model's weights, here or on the Hub; empty where there is none."""
    folder = Path(source)
    if source and folder.is_dir():
        run = [folder.resolve().parent / name] if folder.resolve().name == "encoder" else []
        found = next((file for file in (folder / name, *run) if file.is_file()), None)
    elif source and may_be_on_hub(source):
        found = cached_file(
            source,
            name,
            revision=revision,
            _raise_exceptions_for_gated_repo=False,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
    else:
        found = None
    return {} if found is None else read_json_object(Path(found))
