"""`transformers.Trainer` trains heads as one step over the whole batch does, whatever the accumulation."""

import pytest
import torch
from transformers import Trainer, TrainingArguments

from hf_ecg import AutoModelForECGClassification, ECGResNeXtConfig, ECGResNeXtForECGClassification

CONFIG = {"num_leads": 2, "num_samples": 64, "sampling_rate": 100, "widths": [8], "depths": [1], "group_width": 4}


class Rows(torch.utils.data.Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        random = torch.Generator().manual_seed(index)
        values = torch.randn(2, 64, generator=random)
        return {"input_values": values, "labels": (values.mean(1) > 0).float()}


@pytest.mark.parametrize("accumulation", [1, 4])
def test_accumulation_trains_what_the_whole_batch_trains(tmp_path, accumulation):
    torch.manual_seed(0)
    config = ECGResNeXtConfig(**CONFIG, kernel_size=6, num_labels=2, problem_type="multi_label_classification")
    model = ECGResNeXtForECGClassification(config)
    model.save_pretrained(tmp_path / "begun")
    expected = AutoModelForECGClassification.from_pretrained(tmp_path / "begun")
    optimizer = torch.optim.SGD(expected.parameters(), lr=0.5)
    batch = torch.utils.data.default_collate([Rows()[index] for index in range(8)])
    loss = expected(**batch).loss
    loss.backward()
    optimizer.step()
    arguments = TrainingArguments(
        output_dir=str(tmp_path / "out"),
        per_device_train_batch_size=8 // accumulation,
        gradient_accumulation_steps=accumulation,
        max_steps=1,
        learning_rate=0.5,
        lr_scheduler_type="constant",
        optim="sgd",
        max_grad_norm=0.0,
        use_cpu=True,
        report_to=[],
        logging_steps=1,
        disable_tqdm=True,
    )
    trainer = Trainer(model, arguments, train_dataset=Rows())
    trainer.train()
    for name, value in expected.state_dict().items():
        torch.testing.assert_close(trainer.model.state_dict()[name], value, rtol=1e-5, atol=1e-6)
    assert trainer.state.log_history[0]["loss"] == pytest.approx(loss.item(), rel=1e-3)
