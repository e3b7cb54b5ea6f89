"""ECGs beside their texts, and views of each ECG in groups: some that a momentum teacher sees, and further ones."""

from collections.abc import Mapping, Sequence

import torch

from ...checks import nearest
from ..filter_views import filtered
from .texts import ECGTextCollator

_KEYS = ("name", "teacher_views", "further_views")
_OF_A_VIEW = ("input_values", "lead_mask", "sample_mask")


class ECGTextViewsCollator(ECGTextCollator):
    """Batches for a `TolerantECGForPreTraining`: whole records beside texts, and views of each record.

    A view is a list of what is done to the record, as `hf_ecg.data.views.validate_views` takes it. Filters at the
    beginning of several views of a group are run once.

    Args:
        processor: an `ECGTextProcessor`.
        groups: for each momentum teacher, in the model's order, its `name`, the lists `teacher_views` that it sees,
            and the lists `further_views` that the student alone sees; as many in every group. A mapping `count`,
            `views` in place of a list stands for that many views of this kind, each drawn by itself.
        options: those of `ECGTextCollator`; its `views` act on the whole records that texts are compared with.

    Raises:
        ValueError: groups or views that are impossible.
    """

    def __init__(self, processor, groups: Sequence[Mapping], **options):
        super().__init__(processor, **options)
        self.groups = [(group["name"], self._views_of(group)) for group in checked_groups(groups)]

    def _views_of(self, group: Mapping) -> list[tuple[list[dict], list[dict]]]:
        """Each view as the filters that it begins with, and the rest."""
        made = []
        for views in listed_views(group, "teacher_views") + listed_views(group, "further_views"):
            views = self.possible_views(views)
            start = next((place for place, view in enumerate(views) if not _is_fixed(view)), len(views))
            made.append((views[:start], views[start:]))
        return made

    def waveforms(self, rows: Sequence[Mapping]) -> dict[str, torch.Tensor]:
        """The whole records, and `view_input_values` (batch, groups, views, leads, samples), `view_lead_mask` (batch,
        groups, views, leads), `view_sample_mask` (batch, groups, views, samples)."""
        whole = self.before_views(rows)
        batch = self.view_of(whole, rows)
        groups = [self._group(whole, rows, name, views) for name, views in self.groups]
        if not groups:
            return batch
        return batch | {f"view_{key}": torch.stack([group[key] for group in groups], dim=1) for key in _OF_A_VIEW}

    def _group(self, whole: Mapping, rows, name: str, views) -> dict[str, torch.Tensor]:
        passed: dict[str, dict] = {}
        made = []
        for number, (filters, rest) in enumerate(views):
            key = repr(filters)
            if key not in passed:
                # nothing is drawn
                passed[key] = self.changed(whole, filters, torch.Generator()) if filters else dict(whole)
            made.append(self.view_of(passed[key], rows, f"{name} {number}, ", rest))
        return {key: torch.stack([view[key] for view in made], dim=1) for key in _OF_A_VIEW}


def _is_fixed(view: Mapping) -> bool:
    """Whether it is the same for every draw."""
    return view["name"] == filtered.__name__ and view.get("probability", 1.0) >= 1


def checked_groups(groups: Sequence[Mapping]) -> Sequence[Mapping]:
    """The groups themselves.

    Raises:
        ValueError: an unknown or missing key, no views, or other numbers of views in two groups.
    """
    if not isinstance(groups, (list, tuple)):
        raise ValueError(f"groups is {groups!r}, wanted a list of mappings with {', '.join(_KEYS)}")
    for group in groups:
        if not isinstance(group, Mapping) or not isinstance(group.get("name"), str):
            raise ValueError(f"a group of views is {group!r}, wanted a mapping with {', '.join(_KEYS)}")
        for key in group:
            if key not in _KEYS:
                raise ValueError(f"group {group['name']}: unknown key {key!r}{nearest(key, _KEYS)}; known: {_KEYS}")
    counts = {
        group["name"]: tuple(len(listed_views(group, key)) for key in ("teacher_views", "further_views"))
        for group in groups
    }
    if len(set(counts.values())) > 1 or any(seen < 1 or seen + more < 2 for seen, more in counts.values()):
        raise ValueError(
            f"the groups have {counts} teacher_views and further_views, wanted as many in each, at least one view of a"
            " teacher and two in all"
        )
    if len(counts) < len(groups):
        raise ValueError(f"the groups are called {[group['name'] for group in groups]}: wanted different names")
    return groups


def listed_views(group: Mapping, key: str) -> list[list[dict]]:
    """The lists of one part of a group, one a view.

    Raises:
        ValueError: something else than lists, or a count that is none.
    """
    entries, found = group.get(key), []
    for entry in entries if isinstance(entries, (list, tuple)) else [None]:
        count, views = (entry.get("count"), entry.get("views")) if isinstance(entry, Mapping) else (1, entry)
        known = not isinstance(entry, Mapping) or set(entry) == {"count", "views"}
        if not known or not isinstance(views, (list, tuple)) or type(count) is not int or count < 1:
            raise ValueError(
                f"group {group['name']}: {key} is {entries!r}, wanted a list of views, each a list of what is done or"
                " a mapping with count and views"
            )
        found += [list(views)] * count
    return found
