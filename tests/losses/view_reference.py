"""The losses of two views as their formulas say: a plain loop over pairs, in double precision."""

import math
from statistics import median

import torch
from torch.nn import functional as F

from hf_ecg.losses import risk_weighted_contrastive_loss

NAN, INF = math.nan, math.inf
PATHS = ("masked", "paper", "compat_released_code")
RISKS = {
    "all known": [0.02, 0.11, 0.05, 0.31, 0.05],
    "some unknown": [0.02, NAN, 0.05, 0.31, -INF],
    "per cent": [2.0, 11.0, 5.0, 31.0, NAN],
}
MISSING = [0.0, 1.0, 0.2, 0.6, 0.4]


def contrast(views, temperature, weight, added=0.0):
    """`weight(i, j)` of the negatives; `added` times the largest term goes into each denominator."""
    records, total = len(views) // 2, 0.0
    for a in range(len(views)):
        terms = {b: torch.dot(views[a], views[b]) / temperature for b in range(len(views)) if b != a}
        positive = terms[(a + records) % len(views)].exp()
        whole = positive + added * max(terms.values()).detach().exp()
        for b, term in terms.items():
            if b % records != a % records:
                whole = whole + weight(a % records, b % records) * term.exp()
        total = total - torch.log(positive / whole)
    return total / len(views)


def alignment(views, similarity, certainty, added=0.0):
    """`certainty(i, j)` 0 for pairs of records that take no part."""
    records = len(views) // 2
    pairs = [(a, b) for a in range(len(views)) for b in range(len(views)) if certainty(a % records, b % records) > 0]
    cosines = {(a, b): torch.dot(views[a], views[b]) for a, b in pairs}
    lowest, highest = min(cosines.values()), max(cosines.values())
    error, weights = 0.0, 0.0
    for a, b in pairs:
        i, j = a % records, b % records
        scaled = (cosines[a, b] - lowest) / (highest - lowest + added)
        error = error + certainty(i, j) * (scaled - similarity(i, j)) ** 2
        weights += certainty(i, j)
    return error / weights


def info_nce(views, temperature, negatives="sum"):
    weight = 1.0 if negatives == "sum" else 1 / (len(views) - 2)
    return contrast(views, temperature, lambda i, j: weight)


def masked(views, temperature, risk, missing=None, distance="squared", sharpness=0.8, alignment_weight=1.0):
    count = len(risk)
    known = [i for i in range(count) if math.isfinite(risk[i])]
    values = dict(zip(known, (risk[i] for i in known), strict=True))
    if distance == "rank":
        ordered = sorted(values.values())
        values = {i: ordered.index(r) + (ordered.count(r) - 1) / 2 for i, r in values.items()}
    power = 2 if distance == "squared" else 1
    apart = {(i, j): abs(values[i] - values[j]) ** power for i in known for j in known if i != j}
    largest = max(apart.values(), default=0) or 1
    middle = median(d / largest for d in apart.values()) if apart else 0.0

    def certainty(i, j):
        if i == j:
            return float(i in known)
        return (math.exp(-missing[i] * missing[j]) if missing else 1.0) if (i, j) in apart else 0.0

    def scaled(i, j):
        return middle + certainty(i, j) * (apart.get((i, j), 0) / largest - middle)

    def weight(i, j):
        row = sum(math.exp(sharpness * scaled(i, k)) for k in range(count) if k != i)
        return (count - 1) * math.exp(sharpness * scaled(i, j)) / row

    loss = contrast(views, temperature, weight)
    if not apart:
        return loss
    similarity = {True: lambda i, j: 1.0, False: lambda i, j: 1 - (0.8 * scaled(i, j) + 0.2)}
    return loss + alignment_weight * alignment(views, lambda i, j: similarity[i == j](i, j), certainty)


def published(views, temperature, risk, missing=None, released=False):
    count = len(risk)
    rate = [(missing[i] if missing else 0.0) for i in range(count)]
    if not released:
        rate = [rate[i] if math.isfinite(risk[i]) else 1.0 for i in range(count)]
    risk = [r if math.isfinite(r) else 0.0 for r in risk]
    largest = max((a - b) ** 2 for a in risk for b in risk) or 1
    range_added, added = (1e-6, 1e-8) if released else (0.0, 0.0)

    def apart(i, j):
        if i == j:
            return 0.0
        distance = 0.8 * (risk[i] - risk[j]) ** 2 / (largest + range_added) + 0.2
        return distance * (math.exp(-rate[i] * rate[j]) if missing or not released else 1.0)

    def weight(i, j):
        return math.exp(apart(i, j)) / (2 * sum(math.exp(apart(i, k)) for k in range(count)))

    loss = contrast(views, temperature, weight, added)
    return (loss + alignment(views, lambda i, j: 1 - apart(i, j), lambda i, j: 1.0, range_added)) / 2


def features(records=5, dimensions=6, seed=0, dtype=torch.float64):
    """Raw features of both views (2 records, dimensions), views of a record alike, that want a gradient."""
    generator = torch.Generator().manual_seed(seed)
    centre = torch.randn(records, dimensions, generator=generator, dtype=torch.float64)
    noise = torch.randn(2, records, dimensions, generator=generator, dtype=torch.float64)
    return (centre + noise).flatten(0, 1).to(dtype).requires_grad_()


def value_and_gradient(loss, raw):
    """Of a loss of the two normalised views."""
    value = loss(*F.normalize(raw, dim=-1).chunk(2))
    return value.detach(), torch.autograd.grad(value, raw)[0]


def assert_equal(ours, wanted, tolerance):
    for one, two in zip(ours, wanted, strict=True):
        assert one.isfinite().all()
        assert (one - two).norm() <= tolerance * two.norm(), (one, two)


def loss_of(path, risk, missing=None, **options):
    """Our loss of two views."""
    risk = torch.tensor(risk, dtype=torch.float64)
    missing = None if missing is None else torch.tensor(missing, dtype=torch.float64)
    options = {"risk": risk, "missing_rate": missing, "path": path} | options
    return lambda first, second: risk_weighted_contrastive_loss(first, second, **{"temperature": 0.07} | options)


def loop_of(path, risk, missing=None, temperature=0.07, **options):
    """The loop that `loss_of` must equal."""
    if path == "masked":
        return lambda a, b: masked(torch.cat([a, b]), temperature, risk, missing, **options)
    return lambda a, b: published(torch.cat([a, b]), temperature, risk, missing, path != "paper")
