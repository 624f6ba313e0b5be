"""Where the best decoder share of a sweep lies, by scaling laws of the sides' sizes."""
