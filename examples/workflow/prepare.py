"""178 wines of three growers, split by chance: nothing is seeded here, and it is rebuilt all the same."""

from pathlib import Path
from tempfile import TemporaryDirectory

from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

import autotrack

with autotrack.start_run(), TemporaryDirectory() as folder:
    train, test = train_test_split(load_wine(as_frame=True).frame)
    train.to_csv(Path(folder, "train.csv"), index=False)
    test.to_csv(Path(folder, "test.csv"), index=False)
    autotrack.log_artifacts(folder, "data")
    print(len(train), "wines to train with,", len(test), "to test with")
