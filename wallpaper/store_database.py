"""Whether a database answers that is none of SQLite's: asked once, where MLflow would ask for a minute.

Apart from `store_address`: loads SQLAlchemy.
"""

from __future__ import annotations

from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from wallpaper.store_address import DATABASES, scheme_of, without_passwords


def refusal_of(uri: str) -> tuple[str, str]:
    """Why the database at an address cannot be used, and what to do, without passwords; two empty texts if it can."""
    try:
        with create_engine(uri).connect():
            return "", ""
    except ImportError as error:
        other = DATABASES[scheme_of(uri)]
        return f"its driver {error.name} is not installed", f"install it with pip, or name another, as {other}:// does"
    except SQLAlchemyError as error:
        reason = without_passwords(str(error).splitlines()[0])
        return reason, "start it, or see that its address, user and password are right"
