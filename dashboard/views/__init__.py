"""Pure functions from plain data to what is shown: figures as dicts in plotly's schema, rows and texts.

Nothing here knows MLflow, NiceGUI or a thread.
"""
