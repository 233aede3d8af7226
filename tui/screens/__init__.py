"""The five stages, one file each; imported when they are first shown."""
