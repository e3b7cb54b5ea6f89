"""The losses of two views as their formulas say: a plain loop over pairs, in double precision."""

import math
from statistics import fmean, median, pstdev

import torch
from torch.nn import functional as F

from hf_ecg.losses import WeightSpread, risk_weighted_contrastive_loss

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


def other_records(views, similarity, certainty):
    """Weights, cosines and targets of all pairs of views of different records that count."""
    records, found = len(views) // 2, []
    for a in range(len(views)):
        for b in range(len(views)):
            i, j = a % records, b % records
            if i != j and certainty(i, j) > 0:
                found.append((certainty(i, j), torch.dot(views[a], views[b]), similarity(i, j)))
    return found


def centred_alignment(views, similarity, certainty):
    pairs = other_records(views, similarity, certainty)
    cosines = [cosine for _, cosine, _ in pairs]
    whole = sum(weight for weight, _, _ in pairs)
    span = max(cosines) - min(cosines)
    mean_cosine = sum(weight * cosine for weight, cosine, _ in pairs) / whole
    mean_target = sum(weight * target for weight, _, target in pairs) / whole
    return sum(w * ((c - mean_cosine) / span - (t - mean_target)) ** 2 for w, c, t in pairs) / whole


def correlation_alignment(views, similarity, certainty):
    pairs = other_records(views, similarity, certainty)
    whole = sum(weight for weight, _, _ in pairs)
    mean_cosine = sum(weight * cosine for weight, cosine, _ in pairs) / whole
    mean_target = sum(weight * target for weight, _, target in pairs) / whole
    covariance = sum(w * (c - mean_cosine) * (t - mean_target) for w, c, t in pairs)
    squares = sum(w * (c - mean_cosine) ** 2 for w, c, _ in pairs) * sum(
        w * (t - mean_target) ** 2 for w, _, t in pairs
    )
    return 1 - covariance / squares**0.5


def masked(views, temperature, risk, missing=None, distance="squared", sharpness=0.8, **more):
    alignment_weight = more.get("alignment_weight", 1.0)
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

    if isinstance(sharpness, WeightSpread):
        loss = spread_contrast(views, temperature, scaled, certainty, sharpness)
    else:
        loss = contrast(views, temperature, weight)
    if not apart:
        return loss
    forms = {"published": alignment, "centred": centred_alignment, "correlation": correlation_alignment}
    similarity = {True: lambda i, j: 1.0, False: lambda i, j: 1 - (0.8 * scaled(i, j) + 0.2)}
    form = forms[more.get("alignment", "published")]
    return loss + alignment_weight * form(views, lambda i, j: similarity[i == j](i, j), certainty)


def spread_contrast(views, temperature, apart, certainty, spread):
    """Log-weights of an anchor: its distances, centred and scaled to the stated deviation over the known ones."""
    records, total = len(views) // 2, 0.0
    for a in range(len(views)):
        i = a % records
        known = [apart(i, j) for j in range(records) if j != i and certainty(i, j) > 0]
        deviation = pstdev(known) if known else 0.0
        negatives = [b for b in range(len(views)) if b % records != i]
        logits = {b: torch.dot(views[a], views[b]) / temperature for b in range(len(views)) if b != a}
        scale = spread.value
        if spread.unit == "logits":
            scale *= pstdev([logits[b].item() for b in negatives])
        spread_out = scale / deviation if deviation > 1e-6 else 0.0
        logs = {b: spread_out * (apart(i, b % records) - fmean(known or [0.0])) for b in negatives}
        mean = sum(math.exp(value) for value in logs.values()) / len(logs)
        positive = logits[(a + records) % len(views)]
        whole = positive.exp() + sum(math.exp(logs[b]) / mean * logits[b].exp() for b in negatives)
        total = total - torch.log(positive.exp() / whole)
    return total / len(views)


def targets_and_logs(views, temperature, a):
    """The other view of an anchor's record, its logits, and log-probabilities of all views but itself."""
    records = len(views) // 2
    logits = {b: torch.dot(views[a], views[b]) / temperature for b in range(len(views)) if b != a}
    whole = torch.log(sum(value.exp() for value in logits.values()))
    return (a + records) % len(views), logits, {b: value - whole for b, value in logits.items()}


def is_known(metadata, *records):
    return all(math.isfinite(value) for record in records for value in metadata[record])


def y_aware(views, temperature, metadata, bandwidths, share=None):
    records, total = len(views) // 2, 0.0
    for a in range(len(views)):
        own, _, logs = targets_and_logs(views, temperature, a)
        alike = {}
        for b in logs:
            i, j = a % records, b % records
            if i != j and is_known(metadata, i, j):
                kernel = 1.0
                for one, two, width in zip(metadata[i], metadata[j], bandwidths, strict=True):
                    kernel *= float(one == two) if width is None else math.exp(-((one - two) ** 2) / (2 * width**2))
                alike[b] = kernel
        whole = sum(alike.values())
        if share is None:
            target = {own: 1 / (1 + whole)} | {b: kernel / (1 + whole) for b, kernel in alike.items()}
        elif whole:
            target = {own: 1 - share} | {b: share * kernel / whole for b, kernel in alike.items()}
        else:
            target = {own: 1.0}
        total = total - sum(part * logs[b] for b, part in target.items())
    return total / len(views)


def rank_n_contrast(views, temperature, metadata, share=None):
    records, total = len(views) // 2, 0.0

    def apart(a, b):
        return sum(abs(x - y) for x, y in zip(metadata[a % records], metadata[b % records], strict=True))

    for a in range(len(views)):
        own, logits, logs = targets_and_logs(views, temperature, a)
        ranked = [b for b in logits if is_known(metadata, a % records, b % records)]
        others = [b for b in ranked if b != own]
        terms = []
        for k in others:
            farther = [b for b in ranked if apart(a, b) >= apart(a, k)]
            terms.append(logits[k] - torch.log(sum(logits[b].exp() for b in farther)))
        if share is None:
            total = total - (logs[own] + sum(terms)) / (1 + len(terms))
        elif terms:
            total = total - (1 - share) * logs[own] - share * sum(terms) / len(terms)
        else:
            total = total - logs[own]
    return total / len(views)


def metadata_prediction(predictions, metadata, binary):
    total = 0.0
    for column, is_binary in enumerate(binary):
        errors = []
        for row in range(len(metadata)):
            target, told = metadata[row][column], predictions[row, column]
            if not math.isfinite(target):
                continue
            if is_binary:
                errors.append(torch.log1p(torch.exp(-told if target else told)))
            else:
                error = (told - target).abs()
                errors.append(error**2 / 2 if error < 1 else error - 0.5)
        total = total + (sum(errors) / len(errors) if errors else 0.0)
    return total / len(binary)


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
