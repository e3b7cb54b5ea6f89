"""How the models inside the package are made: the text tower, the recipes in their order, the folders of the wheel."""
