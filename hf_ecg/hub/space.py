"""A Space of the Hub: the page of `hf-ecg demo` for one model, as the few files that it needs."""

import importlib.metadata
from pathlib import Path

import yaml
from huggingface_hub import CommitInfo, HfApi

from ..files import atomic_folder
from ..pretrained_models import pretrained_names
from ..trained_on import trained_on_note
from ..version import __version__
from .folders import model_files
from .upload import commit_files

MODEL_FOLDER = "model"
PYTHON = "3.11"
# of gradio, where it is not installed here
USUAL_GRADIO = "6.31.0"
_APP = '''"""The page of `hf-ecg demo` as a Space: drop an ECG, see what {name} says of it. Research use only."""

import os
from pathlib import Path

from hf_ecg.browser import build_page, serve

MODEL = {model}
# the Hub's own, unless it says another
PORT = int(os.environ.get("GRADIO_SERVER_PORT", "7860"))


def build():
    """The page, not served yet."""
    return build_page(MODEL)


if __name__ == "__main__":
    serve(build(), host="0.0.0.0", port=PORT)
'''
_README = """# An ECG, and what {name} says of it

**Research use only. Not a medical device.** {note}

Drop the file of an ECG: it is read once, on this Space, and deleted. What names the patient is not shown.
Still: do not upload ECGs that you may not share. This machine is not yours.

The page is that of `hf-ecg demo`, of the package [hf_ecg](https://pypi.org/project/hf-ecg).
"""


def space_files(model: str, title: str | None = None) -> dict[str, Path | bytes]:
    """Path in the Space -> file or content: app.py, requirements.txt, README.md, and a folder's model itself.

    Args:
        model: a model inside the package, a Hub id, or a folder, which is put into the Space.
        title: of the Space; default by the model's name.

    Raises:
        OSError: a folder without a whole model.

    Example:
        >>> from hf_ecg.hub.space import space_files
        >>> sorted(space_files("ecg-text-small"))
        ['README.md', 'app.py', 'requirements.txt']
    """
    folder = Path(model)
    inside = folder.name in pretrained_names() and folder.parent.name == "pretrained_models"
    own = folder.is_dir() and not inside
    name = folder.name if folder.is_dir() else model
    files: dict[str, Path | bytes] = {}
    if own:
        files = {f"{MODEL_FOLDER}/{path}": content for path, content in model_files(folder, name).items()}
    said = f'str(Path(__file__).parent / "{MODEL_FOLDER}")' if own else repr(name)
    app = _APP.format(name=name, model=said)
    if not own:
        app = app.replace("from pathlib import Path\n", "")
    note = trained_on_note(model) or "Nothing is known of what it learned from."
    facts = {
        "title": title or f"ECG: {name}"[:60],
        "emoji": "📈",
        "colorFrom": "red",
        "colorTo": "gray",
        "sdk": "gradio",
        "sdk_version": _gradio_version(),
        "python_version": PYTHON,
        "app_file": "app.py",
        "pinned": False,
        "short_description": "An ECG on paper, and what a model says of it"[:60],
        "tags": ["ecg", "hf_ecg"],
    }
    if not own and "/" in name:
        facts["models"] = [name]
    front = yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)
    return files | {
        "app.py": app.encode(),
        "requirements.txt": f"hf-ecg[browser,delineation,plot]>={__version__}\n".encode(),
        "README.md": f"---\n{front}---\n\n{_README.format(name=name, note=note.rstrip('.') + '.')}".encode(),
    }


def write_space(model: str, folder, title: str | None = None) -> Path:
    """The files of a Space in a new folder; see `space_files`.

    Raises:
        OSError: the folder is there already, or cannot be written.
    """
    folder = Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder} is there already, wanted a new folder")

    def write(temporary: Path) -> None:
        for path, content in space_files(model, title).items():
            place = temporary / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content if isinstance(content, bytes) else content.read_bytes())

    atomic_folder(folder, write, replace=False)
    return folder


def push_space(
    model: str, repo_id: str, private: bool | None = None, revision: str | None = None, api: HfApi | None = None
) -> CommitInfo:
    """Push a Space that shows a model, in one commit.

    Args:
        model: see `space_files`.
        repo_id: OWNER/NAME of the Space, created when it is not there.
        private, revision, api: see `push_run`.

    Raises:
        OSError: see `push_run`.
    """
    message = "Show a model with hf_ecg"
    return commit_files(
        repo_id, space_files(model), message, repo_type="space", private=private, revision=revision, api=api
    )


def _gradio_version() -> str:
    try:
        return importlib.metadata.version("gradio")
    except importlib.metadata.PackageNotFoundError:
        return USUAL_GRADIO
