"""The audit of a pair table before training: scores, suspects, reasons, leaks, and a table without the suspects."""
