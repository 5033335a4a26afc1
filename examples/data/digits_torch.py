"""Which digit is it? A network of PyTorch, trained at start.

    duet serve digits_torch.py    # with torch and scikit-learn in the environment
"""

import torch
from torch import nn

import samples
from duet import blocking

torch.set_num_threads(1)  # a request, a processor: the next request has a thread of its own
torch.manual_seed(0)
network = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
images = torch.tensor(samples.known, dtype=torch.float32) / 16
labels = torch.tensor(samples.known_labels)
for _ in range(100):
    optimizer.zero_grad()
    nn.functional.cross_entropy(network(images), labels).backward()
    optimizer.step()


def chances_of(image):
    with torch.inference_mode():
        return network(torch.tensor([image], dtype=torch.float32) / 16).softmax(1)[0]


@blocking
def fetch(request):
    return samples.answer(request, chances_of)
