"""A live page over an MLflow tracking store: trainings, searches and models of wallpaper transitions.

It reads what runs have recorded and never runs inside a training. `store` reads MLflow, `views` are pure functions
from plain data to figures, `pages` place them, `app` puts all together. Runs from the checkout; the other
applications do not import it.
"""
