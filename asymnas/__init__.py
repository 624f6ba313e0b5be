"""Neural architecture search of asymmetric autoencoders under a hard parameter budget."""
