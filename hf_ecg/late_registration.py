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
    """Finds no module itself: it counts the imports of the watched packages that go on, in all threads.

    In all threads: what a thread registers imports modules that another one may be in the middle of, and that one may
    wait for a module of this thread. So the last import to end registers.
    """

    def __init__(self, waiting: list[tuple[str, Callable[[], None]]]):
        self.waiting = waiting
        self.running = 0
        self.counting = threading.Lock()

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
        with self.counting:
            self.running += 1

    def leave(self) -> None:
        with self.counting:
            self.running -= 1

    def act(self) -> None:
        """Do what has become possible, unless an import goes on around this one or beside it."""
        with self.counting:
            if self.running:
                return
            self.running = 1  # what is imported now must not come back here
        try:
            for entry in [entry for entry in self.waiting if entry[0] in sys.modules]:
                entry[1]()
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
        spec = module.__spec__
        module.__loader__ = self.loader
        if spec is not None:
            spec.loader = self.loader
        self.watch.enter()
        try:
            self.loader.exec_module(module)
            # whole now: a thread that wants it need not wait until all is registered, which may need that thread
            if spec is not None:
                spec._initializing = False  # type: ignore[attr-defined]
        finally:
            self.watch.leave()
        self.watch.act()
