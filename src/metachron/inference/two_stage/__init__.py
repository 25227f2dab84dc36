"""Two stages beside the joint model: what fitting survival on estimated dynamics costs."""

from metachron.inference.two_stage.reading import READING
from metachron.inference.two_stage.stages import STAGES, TwoStage, two_stage

__all__ = ["READING", "STAGES", "TwoStage", "two_stage"]
