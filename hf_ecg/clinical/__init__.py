"""Medical knowledge: statements, the texts composed of them, and the prompts that ask for them."""
