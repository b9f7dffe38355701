"""What `monitor` returns: objects that show themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlmagic.spec.monitoring_report import MonitoringReport


class Monitoring(MonitoringReport):
    """What was found, shown as a panel. The extension shows its charts above it, which are `.charts` elsewhere."""

    __slots__ = ()

    @property
    def charts(self) -> MonitoringCharts:
        """How baselines and windows are distributed."""
        return MonitoringCharts(report=self)

    def __repr__(self) -> str:
        return f"<Monitoring of {self.subject}>"

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import drift_bundle

        return drift_bundle(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringCharts:
    """Baseline and window of each feature, side by side."""

    report: MonitoringReport

    def __repr__(self) -> str:
        return f"<MonitoringCharts of {self.report.subject}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import drift_chart_bundle

        return drift_chart_bundle(self.report)
