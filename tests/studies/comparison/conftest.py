from tests.training_fixtures import (  # noqa: F401
    corpus,
    empty_datasets_cache,
    fresh_accelerate_state,
    text_recipe,
    text_tower,
)
