"""Percentages over many bins, small enough to keep for a fleet, and parts of them can be added."""

import math
from dataclasses import dataclass, field


@dataclass(slots=True)
class Percentages:
    """`counts`: bins by their most, in whole percent rounded up."""

    bins: int = 0
    sum_of_means: float = 0.0
    most: float = 0.0
    counts: dict[int, int] = field(default_factory=dict)

    def take_mean(self, percent: float) -> None:
        """A bin's mean."""
        self.bins += 1
        self.sum_of_means += percent

    def take_most(self, percent: float) -> None:
        """A bin's most."""
        self.most = max(self.most, percent)
        place = math.ceil(percent)
        self.counts[place] = self.counts.get(place, 0) + 1

    def add(self, other: "Percentages") -> None:
        """Take in other bins."""
        self.bins += other.bins
        self.sum_of_means += other.sum_of_means
        self.most = max(self.most, other.most)
        for place, count in other.counts.items():
            self.counts[place] = self.counts.get(place, 0) + count

    @property
    def mean(self) -> float:
        """Over all bins; there is at least one."""
        return self.sum_of_means / self.bins

    def percentile(self, fraction: float) -> float:
        """At least so much of the bins had at most this; never below the true percentile."""
        wanted = fraction * sum(self.counts.values())
        seen = 0
        for place in sorted(self.counts):
            seen += self.counts[place]
            if seen >= wanted:
                return min(float(place), self.most)
        return self.most
