from tests.training_fixtures import (  # noqa: F401
    corpus,
    empty_datasets_cache,
    fresh_accelerate_state,
    label_recipe,
    recipe_of,
    text_recipe,
    text_tower,
)
