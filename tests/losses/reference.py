"""The losses as their formulas say: a plain loop over pairs, in double precision."""

import torch
from torch.nn import functional as F


def is_positive(i, j, ids, identical_text):
    return i == j or (identical_text == "positive" and bool(ids[i] == ids[j]))


def is_counted(i, j, ids, identical_text):
    return i == j or identical_text != "mask" or bool(ids[i] != ids[j])


def sigmoid(ecg, text, scale, bias, ids=None, identical_text="negative"):
    total = 0.0
    for i in range(len(ecg)):
        for j in range(len(text)):
            if is_counted(i, j, ids, identical_text):
                z = 1.0 if is_positive(i, j, ids, identical_text) else -1.0
                total = total + torch.log1p(torch.exp(-z * (scale * torch.dot(ecg[i], text[j]) + bias)))
    return total / len(ecg)


def softmax(ecg, text, scale, ids=None, identical_text="negative"):
    total = 0.0
    for queries, keys in ((ecg, text), (text, ecg)):
        for i in range(len(queries)):
            exponentials, positives = {}, []
            for j in range(len(keys)):
                if is_counted(i, j, ids, identical_text):
                    exponentials[j] = torch.exp(scale * torch.dot(queries[i], keys[j]))
                if is_positive(i, j, ids, identical_text):
                    positives.append(j)
            whole = sum(exponentials.values())
            total = total - sum(torch.log(exponentials[j] / whole) for j in positives) / len(positives)
    return total / len(ecg) / 2


def mitigation(ecg, text, detach=True):
    total = 0.0
    for i in range(len(ecg)):
        for j in range(len(text)):
            similarity = torch.dot(text[i], text[j])
            total = total + (torch.dot(ecg[i], text[j]) - (similarity.detach() if detach else similarity)).abs()
    return total / len(ecg)


def parameters(rows=7, dimensions=5, seed=0, log_scale=2.302585, bias=-10.0):
    """Raw features, log scale and bias that want gradients, and text ids with repetitions."""
    generator = torch.Generator().manual_seed(seed)
    ecg, text = torch.randn(2, rows, dimensions, generator=generator, dtype=torch.float64)
    scalars = [torch.tensor(value, dtype=torch.float64) for value in (log_scale, bias)]
    leaves = [leaf.clone().requires_grad_() for leaf in (ecg, text, *scalars)]
    ids = torch.tensor([5, -3, 5, 9, -3, 5, 8, 1, 9][:rows])
    return leaves, ids


def normalised(ecg, text):
    return F.normalize(ecg, dim=-1), F.normalize(text, dim=-1)
