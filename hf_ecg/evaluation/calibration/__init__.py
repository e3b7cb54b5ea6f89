"""How sure a model's answers are: probabilities that hold, sets that cover, abstention, inputs that are strange."""
