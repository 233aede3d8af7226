"""What stages are made of: each part holds state and behaviour, and knows no screen."""
