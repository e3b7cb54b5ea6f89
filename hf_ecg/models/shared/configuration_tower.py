"""What configurations that hold others have in common, and those of models around an ECG tower."""

import copy

from .configuration_ecg import ECGConfig, check_dtype, check_id2label, check_num_labels
from .strict_configuration import strict


@strict
class ECGNestedConfig(ECGConfig):
    """A configuration that holds those of its parts, as `sub_configs` says."""

    def __post_init__(self, **kwargs):
        for name in self.sub_configs:
            tower = getattr(self, name)
            if isinstance(tower, dict):
                if not all(isinstance(key, str) for key in tower):
                    raise ValueError(f"{name} has the keys {list(tower)}, wanted names")
                # of a family of transformers, which does not look
                for key in ("dtype", "torch_dtype"):
                    check_dtype(f"{name}.{key}", tower.get(key))
                check_id2label(f"{name}.id2label", tower.get("id2label"))
                if "num_labels" in tower:
                    check_num_labels(f"{name}.num_labels", tower["num_labels"])
        super().__post_init__(**kwargs)
        if self.dtype is not None:
            return
        for name in self.sub_configs:
            tower = getattr(self, name)
            if tower is not None and tower.dtype is not None:
                # a tower in the type of its file beside new layers in another one would fail in the first forward
                tower = copy.deepcopy(tower)
                tower.dtype = None
                setattr(self, name, tower)

    def check_tower(self, name: str, fields: tuple[str, ...]) -> None:
        """Raises ValueError when the nested configuration `name` lacks one of the fields."""
        tower = getattr(self, name)
        lacking = [field for field in fields if not hasattr(tower, field)]
        if lacking:
            kind = getattr(tower, "model_type", type(tower).__name__)
            raise ValueError(f"{name} is of type {kind!r}, which has no {', '.join(lacking)}")

    def check_choices(self, choices: dict[str, tuple[str, ...]]) -> None:
        """Raises ValueError when a field is none of its known values."""
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}, wanted one of {', '.join(known)}")

    def check_sizes(self, *names: str) -> None:
        """Raises ValueError when a size is given and below 1."""
        for name in names:
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}, wanted at least 1")


@strict
class ECGTowerConfig(ECGNestedConfig):
    """A configuration with `ecg_config`, whose input is the model's."""

    @property
    def num_leads(self) -> int:
        """Leads of the ECG tower."""
        return self.ecg_config.num_leads

    @property
    def sampling_rate(self) -> float:
        """Hertz of the ECG tower."""
        return self.ecg_config.sampling_rate

    @property
    def num_samples(self) -> int:
        """Samples of the ECG tower."""
        return self.ecg_config.num_samples

    def validate_ecg_tower(self):
        """Run by `@strict`: a tower that is none would fail only at the first batch."""
        self.check_tower("ecg_config", ("hidden_size", "num_leads", "num_samples", "sampling_rate"))
