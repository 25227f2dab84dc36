"""Who benefits: markers that tell outcome, markers that tell which treatment, and what a rule of treatment is worth."""

from metachron.benefit.endpoint import ENDPOINTS, RESPONDERS, read_endpoint

__all__ = ["ENDPOINTS", "RESPONDERS", "read_endpoint"]
