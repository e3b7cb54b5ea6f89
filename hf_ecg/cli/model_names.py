"""How a command line names a model: a folder, one of the models inside the package, or a Hub id."""

import click


class ModelName(click.ParamType):
    """A word, or words, for which the command gets what `from_pretrained` takes."""

    name = "text"

    def found(self, value):
        """See `pretrained_models.model_source`; looked for when the command runs, so that it tells what fails."""
        from ..pretrained_models import model_source

        if isinstance(value, (tuple, list)):
            return type(value)(map(model_source, value))
        return None if value is None else model_source(value)


MODEL_NAME = ModelName()
