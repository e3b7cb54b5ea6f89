"""Cohorts: pretraining on one, on all mixed, on all in batches of one; judged inside and outside of each."""
