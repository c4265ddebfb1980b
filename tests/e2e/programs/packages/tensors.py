"""torch on the processor: a network that learns, and tensors that are kept.

    tensors.py OUT.json

torch asks the C library for aligned memory: the address is the block's own, its size that of the numbers.
"""

import sys

import torch
import witness

KEPT = []


def keep(count):
    KEPT.append(t := torch.empty(count)), witness.note(t.data_ptr(), t.nelement() * t.element_size())  # kept
    t.fill_(0.5)
    return float(t.sum())


def learn(rounds):
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(8, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    inputs = torch.randn(256, 8)
    wanted = inputs.sum(dim=1, keepdim=True)
    first = None
    for _ in range(rounds):
        loss = torch.nn.functional.mse_loss(model(inputs), wanted)
        first = first or float(loss)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return float(loss) < first / 10


print(sum(keep(10_000 + number) for number in range(100)))
print(learn(200))
witness.write(sys.argv[1])
