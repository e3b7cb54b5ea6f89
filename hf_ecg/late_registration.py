"""Registration that waits until transformers' Auto classes are there.

Registering needs our model classes, which need torch: seconds, of which reading a file or drawing it needs nothing. So
`import hf_ecg` registers at once only where the Auto classes are imported already. Otherwise it watches for their
import: `from transformers import AutoModel` then ends with our models known to it.

Only the end of an outermost import will do: `modeling_bert` imports the Auto classes in its first lines, when what our
own models need is still half there.
"""

import importlib
import sys
import threading
from collections.abc import Callable
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# all Auto classes import the first; `transformers.pipeline` is of the second
AUTO_CLASSES = "transformers.models.auto.configuration_auto"
PIPELINES = "transformers.pipelines"
WATCHED = ("transformers", "hf_ecg")


def register_when_needed() -> None:
    """Make families and pipelines known to transformers, now or as soon as it could ask for them."""
    watch = _Watch([(AUTO_CLASSES, _register_families), (PIPELINES, _register_pipelines)])
    watch.act()
    if watch.waiting:
        sys.meta_path.insert(0, watch)


def _register_families() -> None:
    importlib.import_module("hf_ecg.auto")


def _register_pipelines() -> None:
    importlib.import_module("hf_ecg.pipelines").register_pipelines()


class _Watch(MetaPathFinder):
    """Finds no module itself: it counts how deep imports of the watched packages are inside each other."""

    def __init__(self, waiting: list[tuple[str, Callable[[], None]]]):
        self.waiting = waiting
        self.depth = threading.local()

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if not self.waiting or fullname.partition(".")[0] not in WATCHED:
            return None
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec = find and find(fullname, path, target)
            if spec is not None:
                # a namespace package has no loader, and nothing to execute
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _CountedLoader(spec.loader, self)
                return spec
        return None

    def enter(self) -> None:
        self.depth.value = getattr(self.depth, "value", 0) + 1

    def leave(self) -> None:
        self.depth.value -= 1

    def act(self) -> None:
        """Do what has become possible, unless an import around this one goes on."""
        if getattr(self.depth, "value", 0):
            return
        self.enter()  # what is imported now must not come back here
        try:
            for entry in [entry for entry in self.waiting if entry[0] in sys.modules]:
                entry[1]()
                if entry in self.waiting:  # another thread may have been faster
                    self.waiting.remove(entry)
        finally:
            self.leave()


class _CountedLoader(Loader):
    """Another loader, in whose place it stands until the module is executed."""

    def __init__(self, loader: Any, watch: _Watch):
        self.loader, self.watch = loader, watch

    def __getattr__(self, name: str) -> Any:
        # `python -m` asks for the code, others for the source or for files beside it
        return getattr(self.loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self.loader
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        self.watch.enter()
        try:
            self.loader.exec_module(module)
        finally:
            self.watch.leave()
        self.watch.act()
