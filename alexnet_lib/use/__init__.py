"""What one does with a network: predict, fine-tune, export it, or build one from a definition of 2012."""
