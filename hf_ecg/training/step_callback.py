"""`transformers.Trainer` with models whose teachers, temperatures or codebooks move with the steps."""

from accelerate.utils import extract_model_from_parallel
from transformers import TrainerCallback


class StepCallback(TrainerCallback):
    """Tells a model of its steps under `transformers.Trainer`, as `hf_ecg.training.pretrain` does by itself.

    Momentum teachers follow, ECG-FM's temperature falls: what a model's `begin_training` and `after_step` are for.
    Models without these are left alone. A run that is resumed goes on with the teacher of its checkpoint.

    Example:
        >>> from transformers import Trainer
        >>> from hf_ecg.training import StepCallback
        >>> trainer = Trainer(model, arguments, callbacks=[StepCallback()])  # doctest: +SKIP
    """

    def on_train_begin(self, args, state, control, model=None, **kwargs) -> None:
        """The whole run's steps are known now; weights of a checkpoint have been loaded before."""
        model = extract_model_from_parallel(model)
        begin = getattr(model, "begin_training", None)
        if begin is None:
            return
        resumed = state.global_step > 0
        kept = {name: value.clone() for name, value in model.state_dict().items()} if resumed else None
        begin(state.max_steps)
        if kept is not None:
            model.load_state_dict(kept)

    def on_step_end(self, args, state, control, model=None, **kwargs) -> None:
        """Called by the Trainer after each step of the optimizer; micro-batches are not steps."""
        after = getattr(extract_model_from_parallel(model), "after_step", None)
        if after is not None:
            after(state.global_step - 1)
