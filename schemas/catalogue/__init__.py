"""The catalogue of KPIs: every count, every ratio and the formulas of both."""
