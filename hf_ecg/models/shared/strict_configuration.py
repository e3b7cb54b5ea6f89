"""huggingface_hub's `strict`, whose errors are ValueErrors too, as every other refusal of this package is."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from huggingface_hub import dataclasses as hub
from huggingface_hub.errors import StrictDataclassClassValidationError, StrictDataclassFieldValidationError

C = TypeVar("C", bound=type)


class WrongField(StrictDataclassFieldValidationError, ValueError):
    """A field of another type than its configuration declares."""

    def __init__(self, message: str):
        Exception.__init__(self, message)


class WrongConfiguration(StrictDataclassClassValidationError, ValueError):
    """A value that a check of its configuration refuses."""

    def __init__(self, message: str):
        Exception.__init__(self, message)


def strict(config_class: C) -> C:
    """As huggingface_hub's decorator, which raises what is not a ValueError when made, assigned to and saved."""
    made: Any = hub.strict(config_class)
    for name in ("__init__", "__setattr__", "validate"):
        setattr(made, name, _raising_value_errors(getattr(made, name)))
    return made


def _raising_value_errors(method: Callable) -> Callable:
    @functools.wraps(method)
    def call(*arguments: Any, **options: Any):
        try:
            return method(*arguments, **options)
        except StrictDataclassFieldValidationError as error:
            raise WrongField(str(error)) from error.__cause__
        except StrictDataclassClassValidationError as error:
            raise WrongConfiguration(str(error)) from error.__cause__

    return call
