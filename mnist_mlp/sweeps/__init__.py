"""Sweeps and searches: their jobs, progress, statistics and reports."""
