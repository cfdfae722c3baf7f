"""Their package; ours has the same name within `limbeck`."""

EPOCHS = 60
