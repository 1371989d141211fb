"""Dual encoders of any modality: what a recipe may say, the fit that others build on, bundles and their judgment."""
