"""What a contrastive loss can learn from metadata of patients: on a corpus, and where the truth is known."""
