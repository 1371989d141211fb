"""Figures for Prometheus, in a registry of their own: two services in one process do not mix."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_INPUTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """What is counted; labels come from routes and runs, never from what strangers send."""

    registry: CollectorRegistry
    requests: Counter
    seconds: Histogram
    waiting: Gauge
    refused: Counter
    batch_inputs: Histogram
    batch_seconds: Histogram
    answers: Counter
    jobs: Gauge

    def exposition(self) -> bytes:
        """Return all figures in Prometheus' text format."""
        return generate_latest(self.registry)


def make_metrics() -> Metrics:
    """Return figures that all stand at zero."""
    registry = CollectorRegistry()

    def counter(name: str, says: str, *labels: str) -> Counter:
        return Counter(f"threatclip_{name}", says, labels, registry=registry)

    def histogram(name: str, says: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"threatclip_{name}", says, labels, registry=registry, buckets=buckets)

    return Metrics(
        registry=registry,
        requests=counter("requests", "Requests answered.", "method", "route", "status"),
        seconds=histogram("request_seconds", "From a request to the end of its answer.", _SECONDS, "route"),
        waiting=Gauge("threatclip_waiting_inputs", "Inputs that wait for a model.", ("run",), registry=registry),
        refused=counter("refused_requests", "Requests refused since a queue was full.", "run"),
        batch_inputs=histogram("batch_inputs", "Inputs that went through a model together.", _INPUTS, "run"),
        batch_seconds=histogram("batch_seconds", "Time of a model on one batch.", _SECONDS, "run"),
        answers=counter("answers", "Answers of a model.", "run", "outcome"),
        jobs=Gauge("threatclip_audits", "Audits by state.", ("state",), registry=registry),
    )
