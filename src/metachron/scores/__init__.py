"""Published scores of prognosis and benefit, and molecular features from variant tables."""
