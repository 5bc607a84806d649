"""What SQS measures of its queues each minute (SQS Developer Guide, "Available metrics").

Emitted for every queue that ever held a message; a queue never used is silent, as on AWS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from icscaler_localcloud.clock import MINUTE_S

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud


class QueueMetrics:
    """Puts the AWS/SQS metrics of one cloud's queues into its metric store."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._active: dict[str, None] = {}

    def used(self, queue_arn: str) -> None:
        """A message arrived: from now on the queue is measured."""
        if not self._active:
            self._cloud.every(MINUTE_S, self._measure)
        self._active[queue_arn] = None

    def _measure(self) -> None:
        now_s = self._cloud.clock.now_s
        for arn in self._active:
            if not self._cloud.queues.exists(arn):
                continue
            view = self._cloud.queues.view(arn)
            age_s = 0.0 if view.oldest_sent_s is None else now_s - view.oldest_sent_s
            measured = {
                "ApproximateNumberOfMessagesVisible": (view.visible, "Count"),
                "ApproximateNumberOfMessagesNotVisible": (view.messages - view.visible, "Count"),
                "ApproximateAgeOfOldestMessage": (age_s, "Seconds"),
            }
            for metric, (value, unit) in measured.items():
                self._cloud.metrics.put(
                    "AWS/SQS",
                    metric,
                    {"QueueName": arn.rsplit(":", 1)[-1]},
                    int(now_s),
                    float(value),
                    unit=unit,
                    period_s=MINUTE_S,
                    visible_at_s=now_s,
                )
