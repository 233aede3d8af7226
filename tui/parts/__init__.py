"""Parts of the stages: each holds its state and behaviour, and knows no screen."""
