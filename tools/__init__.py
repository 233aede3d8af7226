"""What builds and describes finetui; nothing here is installed."""
