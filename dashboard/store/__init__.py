"""Reads an MLflow store: plain records of its runs, kept up to date by one thread for all who look.

`source` asks MLflow, `series` and `artifacts` keep what was read, `store` puts it together.
"""

from dashboard.store.records import Connection, Curve, File, Latest, RunRecord, VersionRecord
from dashboard.store.store import Store

__all__ = ["Connection", "Curve", "File", "Latest", "RunRecord", "Store", "VersionRecord"]
