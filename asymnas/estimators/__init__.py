"""scikit-learn estimators: the search, and one autoencoder."""
