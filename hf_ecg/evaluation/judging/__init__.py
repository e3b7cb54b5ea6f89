"""What models are judged by: prompts, probes, trained heads, retrieval."""
