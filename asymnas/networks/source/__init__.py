"""PyTorch source of one network, from a trace of what it computes."""
