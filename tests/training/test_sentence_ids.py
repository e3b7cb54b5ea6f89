"""A model that reads sentences is told which token is of which; another one is not."""

from hf_ecg.data.mixing import MixedRows
from hf_ecg.training.build import build_processor
from hf_ecg.training.methods import Feeding, build_method
from hf_ecg.training.recipe import parse_recipe
from hf_ecg.training.rows import load_sources


def test_sentence_ids_go_to_models_that_take_them(text_recipe):
    recipe = parse_recipe(text_recipe)
    method = build_method(recipe.method, recipe.data)
    processor = build_processor(recipe.processor, method)
    sources, _ = load_sources(recipe.data, method, with_validation=False)
    mixed = MixedRows(sources, method.columns)
    for inputs, told in ((frozenset(), False), (frozenset({"sentence_ids"}), True)):
        feeding = Feeding(processor, mixed, sources, 0, inputs)
        for collator in (method.collator(feeding), method.validation_collator(feeding)):
            rows = MixedRows(sources, collator.columns).__getitems__([(0, place) for place in range(4)])
            batch = collator(rows)
            assert ("sentence_ids" in batch) == told
            if told:
                assert batch["sentence_ids"].shape == batch["input_ids"].shape
                assert (batch["sentence_ids"].amax(dim=1) >= 0).all()
