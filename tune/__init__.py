"""A search over training settings: Optuna proposes, Ray Tune runs, MLflow keeps.

Runs from the checkout. The other applications do not import it.
"""
