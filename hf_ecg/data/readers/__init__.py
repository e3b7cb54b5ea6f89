"""One module a corpus: from its own files to rows."""
