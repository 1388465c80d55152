"""PyTorch: a loop of one's own that learns to read digits; shuffling, dropout and weights begin anywhere."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

import autotrack

autotrack.enable()

images, digits = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(images / 16, dtype=torch.float32), torch.tensor(digits))
train, valid = random_split(data, [0.8, 0.2])
network = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Dropout(0.2), nn.Linear(48, 10))
optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
with autotrack.start_run("digits"):
    for epoch in range(5):
        for x, y in DataLoader(train, batch_size=64, shuffle=True):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(x), y).backward()
            optimizer.step()
        network.eval()
        with torch.no_grad():
            x, y = valid[:]
            accuracy = (network(x).argmax(1) == y).float().mean().item()
        network.train()
        autotrack.log_metric("valid_accuracy", accuracy, step=epoch)
        print(f"epoch {epoch}: {accuracy:.3f} of the digits are read")
