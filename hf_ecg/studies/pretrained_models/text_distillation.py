"""A text tower of half a million weights that says of clinical texts what a large sentence encoder does.

The teacher's pooled features of the sentences are whitened (`ecg_text.text_whitening`): sentences of one field lie in
a narrow cone. The student, a BERT of two layers with a vocabulary of its own, learns their first principal directions.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from torch.nn import functional as F
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel, PreTrainedTokenizerFast

from ...models.ecg_text.text_tower import pool_tokens
from ...models.ecg_text.text_whitening import whitener
from ...processing.tokens import tokenize
from ...progress import progress_bar

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
# Words that must share a beginning or an ending for it to be a piece of its own.
_SHARED_BY = 2
# In every place of a word: what is in no word of the vocabulary is still spelt.
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True)
class DistillationSettings:
    """How the student is made.

    Args:
        vocab_size: at most so many WordPieces.
        hidden_size, num_layers, num_heads, intermediate_size: of the BERT.
        max_tokens: learned positions.
        text_whitening: power of the teacher's whitening, see `ECGTextConfig`.
        epochs, batch_size, lr: of the training.
        relation_weight: of the squared error of cosines between the texts of a batch.
        seed: of the first weights and the order of texts.
    """

    vocab_size: int = 2000
    hidden_size: int = 128
    num_layers: int = 2
    num_heads: int = 4
    intermediate_size: int = 256
    max_tokens: int = 64
    text_whitening: float = 0.7
    epochs: int = 14
    batch_size: int = 128
    lr: float = 2e-3
    relation_weight: float = 1.0
    seed: int = 0


def make_tokenizer(texts: Sequence[str], settings: DistillationSettings) -> PreTrainedTokenizerFast:
    """WordPieces of these texts, in lower case: their words, what several words begin or end with, and all letters.

    The same texts give the same pieces with the same numbers, which the trainers of `tokenizers` do not promise.
    """
    normalizer, splitter = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
    words = Counter(word for text in texts for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text)))
    letters = sorted({*_LETTERS, *"".join(words)})
    pieces = [*_SPECIAL, *letters, *(f"##{letter}" for letter in letters)]
    found = Counter(part for word in words for part in _parts(word))
    shared = {part: number for part, number in found.items() if number >= _SHARED_BY}
    for counted in (words, shared):
        pieces += sorted(counted, key=lambda piece: (-counted[piece], piece))
    pieces = list(dict.fromkeys(pieces))[: settings.vocab_size]
    tokenizer = Tokenizer(models.WordPiece({piece: number for number, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.decoder = normalizer, splitter, decoders.WordPiece()
    ends = [(name, pieces.index(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=ends
    )
    names = dict(zip(("pad", "unk", "cls", "sep", "mask"), _SPECIAL, strict=True))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=settings.max_tokens,
        **{f"{key}_token": name for key, name in names.items()},
    )


def _parts(word: str) -> Iterator[str]:
    """What a word begins and ends with: "tachy", "##cardia"."""
    for length in range(2, len(word)):
        yield word[:length]
        yield f"##{word[-length:]}"


@torch.no_grad()
def sentence_features(folder: str | Path, texts: Sequence[str], batch_size: int = 64) -> torch.Tensor:
    """What a sentence encoder of transformers says of texts: the mean over its tokens, (texts, hidden size)."""
    model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    order = sorted(range(len(texts)), key=lambda place: (len(texts[place]), texts[place]))
    features = torch.empty(len(texts), model.config.hidden_size)
    with progress_bar(total=len(texts), desc="encoding texts by the teacher", unit="text") as bar:
        for start in range(0, len(texts), batch_size):
            part = order[start : start + batch_size]
            tokens = tokenize(tokenizer, [texts[place] for place in part], return_tensors="pt")
            features[part] = pool_tokens("mean", model(**tokens), tokens["attention_mask"])
            bar.update(len(part))
    return features


def whitened_targets(features: torch.Tensor, sentences: Sequence[int], power: float, size: int) -> torch.Tensor:
    """Unit vectors (texts, size): the first principal directions of the whitened features.

    Args:
        features: of all texts, (texts, hidden size).
        sentences: places of those whose statistics count.
        power: of the whitening.
        size: how many directions are kept; at most as many as there are sentences less one.
    """
    mean = features[list(sentences)].mean(0)
    centred = (features - mean).double()
    white = centred @ whitener(centred[list(sentences)], power)
    _, _, directions = torch.linalg.svd(white[list(sentences)], full_matrices=False)
    kept = white @ directions[:size].T
    kept = F.pad(kept, (0, size - kept.shape[1]))
    return F.normalize(kept, dim=-1).float()


def distil(
    meanings: Mapping[str, str], sentences: Sequence[str], teacher: str | Path, settings: DistillationSettings
) -> tuple[BertModel, PreTrainedTokenizerFast]:
    """The student and its tokenizer.

    Args:
        meanings: text -> the text that the teacher is asked for, see `clinical_texts`.
        sentences: whose statistics the whitening takes; each is a value of `meanings`.
        teacher: folder of a sentence encoder that pools by the mean.
        settings: sizes, budget and seed. The same settings give the same weights, on one thread of one machine.
    """
    asked = sorted(set(meanings.values()))
    place = {text: number for number, text in enumerate(asked)}
    features = sentence_features(teacher, asked)
    targets = whitened_targets(
        features, [place[text] for text in sentences], settings.text_whitening, settings.hidden_size
    )
    texts = sorted(meanings)
    tokenizer = make_tokenizer(texts, settings)
    student = _student(tokenizer, settings)
    _train(student, tokenizer, texts, targets[[place[meanings[text]] for text in texts]], settings)
    return student.eval(), tokenizer


def _student(tokenizer: PreTrainedTokenizerFast, settings: DistillationSettings) -> BertModel:
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=settings.hidden_size,
        num_hidden_layers=settings.num_layers,
        num_attention_heads=settings.num_heads,
        intermediate_size=settings.intermediate_size,
        max_position_embeddings=settings.max_tokens,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        type_vocab_size=1,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return BertModel(config, add_pooling_layer=False)


def _train(student: BertModel, tokenizer, texts: list[str], targets: torch.Tensor, settings) -> None:
    order = torch.Generator().manual_seed(settings.seed)
    batches = math.ceil(len(texts) / settings.batch_size)
    steps = settings.epochs * batches
    optimizer = torch.optim.AdamW(student.parameters(), lr=settings.lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.lr, total_steps=steps, pct_start=0.1)
    student.train()
    with progress_bar(total=steps, desc="distilling the text tower", unit="step") as bar:
        for _ in range(settings.epochs):
            for part in torch.randperm(len(texts), generator=order).split(settings.batch_size):
                tokens = tokenize(tokenizer, [texts[place] for place in part.tolist()], return_tensors="pt")
                mask = tokens["attention_mask"]
                outputs = student(input_ids=tokens["input_ids"], attention_mask=mask)
                found = F.normalize(pool_tokens("mean", outputs, mask), dim=-1)
                wanted = targets[part]
                loss = (1 - (found * wanted).sum(-1)).mean()
                loss = loss + settings.relation_weight * F.mse_loss(found @ found.T, wanted @ wanted.T)
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                bar.update()
        bar.set_postfix(loss=f"{loss.item():.4f}")
