"""threatclip: contrastive multi-modal threat analysis on data that cannot be trusted."""

__version__ = "0.1.0"
