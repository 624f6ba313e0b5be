"""What an autoencoder is: architectures, families, resampling, kinds, presets."""
