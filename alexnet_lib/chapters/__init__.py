"""What the chapters of the book draw, tabulate and ask: a module per notebook, and `kit` for all."""
