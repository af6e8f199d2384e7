"""Your own models, losses, optimizers, schedules, callbacks, metrics and data sets: any file here may be named."""
