"""The text tower in sentence-transformers: `python tests/peers/sentence_encoder.py`, after `pip install` of that.

A `SentenceTransformer` of a dual encoder's folder gives what `get_text_features` gives. The tower of an
`ECGTextModel`, saved in a folder of its own with its tokenizer, is a text encoder like any other: a
`SentenceTransformer` of it gives what `encode_text` gives, also after saving and loading.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Pooling, Transformer
from transformers import BertTokenizerFast

from hf_ecg import ECGFeatureExtractor, ECGTextModel, ECGTextProcessor
from tests.peers.peer_models import PeerModelTester

TEXTS = ["sinus rhythm", "atrial fibrillation with a rapid ventricular response", "left bundle branch block", "normal"]
WORDS = sorted({word for text in TEXTS for word in text.split()})


def main() -> int:
    torch.manual_seed(0)
    config = PeerModelTester(ECGTextModel.config_class).get_config()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    tokenizer = BertTokenizerFast(vocab={word: number for number, word in enumerate(words)})
    failed = 0
    for pooling in ("mean", "cls"):
        config.text_pooling = pooling
        model = ECGTextModel(config).eval()
        with tempfile.TemporaryDirectory() as folder:
            model.text_model.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
            parts = [Transformer(folder), Pooling(config.text_config.hidden_size, pooling_mode=pooling)]
            sentence = SentenceTransformer(modules=parts, device="cpu")
            found = sentence.encode(TEXTS, convert_to_tensor=True)
            sentence.save(f"{folder}/sentence")
            again = SentenceTransformer(f"{folder}/sentence", device="cpu").encode(TEXTS, convert_to_tensor=True)
        with torch.no_grad():
            wanted = model.encode_text(
                **tokenizer(TEXTS, padding=True, return_tensors="pt", return_token_type_ids=False)
            )
        off = max((found - wanted).abs().max().item(), (again - wanted).abs().max().item())
        failed += off > 1e-5
        print(f"text_pooling {pooling:5} largest difference {off:.1e}")
    failed += not whole_model_agrees(tokenizer)
    return min(failed, 1)


def whole_model_agrees(tokenizer) -> bool:
    """A `SentenceTransformer` of the dual encoder's folder: its processor is called with nested arguments."""
    model = ECGTextModel(PeerModelTester(ECGTextModel.config_class).get_config()).eval()
    processor = ECGTextProcessor(ECGFeatureExtractor(), tokenizer)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
        found = SentenceTransformer(folder, device="cpu").encode(TEXTS, convert_to_tensor=True)
        wanted = model.get_text_features(**processor(text=TEXTS, return_tensors="pt")).pooler_output
    off = (found - wanted).abs().max().item()
    print(f"the whole dual encoder: largest difference {off:.1e}")
    return off <= 1e-5


if __name__ == "__main__":
    sys.exit(main())
