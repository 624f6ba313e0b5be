import torch

torch.set_num_threads(1)  # small steps on two threads collapse when anything else runs
