"""Detectors: score single views at inference. New detector = one file + one `|` in `Detector` below."""
