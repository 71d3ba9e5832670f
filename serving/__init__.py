"""A trained transition behind HTTP: an MLflow model from code, its requests, and its registration.

Runs from the checkout. The other applications do not import it.
"""
