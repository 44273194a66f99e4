# SPDX-License-Identifier: MIT
"""Rows of a Markdown table: the times of classes beside the first one's."""
import statistics


def rows(took, unit, digits):
    """took: times by class, in unit."""
    medians = {name: statistics.median(v) for name, v in took.items()}
    first = next(iter(medians.values()))
    for name, v in took.items():
        low, _, high = statistics.quantiles(v, n=4)
        # The same class against itself: what a difference is by chance.
        halves = statistics.median(v[::2]) - statistics.median(v[1::2])
        yield (f'| {name} | {medians[name]:.{digits}f} {unit}'
               f' | {low:.{digits - 1}f} to {high:.{digits - 1}f} {unit}'
               f' | {medians[name] - first:+.{digits}f} {unit}'
               f' | {halves:+.{digits}f} {unit}'
               f' | {(medians[name] - first) / (high - low):+.2f} |')
