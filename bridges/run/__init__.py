"""A command's run: options, data, training, and the files that it leaves."""
