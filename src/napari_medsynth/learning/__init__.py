"""What every model shares: fitting, checkpoints, runs on disk, cards, weights, devices."""
