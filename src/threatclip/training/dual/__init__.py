"""The fit of a dual encoder on prepared pairs: what recipes, attack sweeps and repairs share."""
