"""The seed's classifier of threat groups, whole, judged by its own protocol beside honest ones."""
