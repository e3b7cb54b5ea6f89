"""The whole path on one machine: an answer at once, a corpus, two trainings, a comparison, and a page of it all."""
