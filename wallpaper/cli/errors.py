"""Which exceptions are a user's to mend, and the exit code each ends with: 2 usage, 1 failure, 130 stopped.

Pure; it raises and prints nothing.
"""

from __future__ import annotations


def explain(error: Exception) -> tuple[str, int] | None:
    """Message and exit code for an error that a message explains fully; None for a defect of ours.

    Told apart by class name along the inheritance, so that this module imports none of the heavy ones.
    """
    names = {cls.__name__ for cls in type(error).__mro__}
    if "Interrupted" in names:
        text = str(error)
        return f"{text[:1].upper()}{text[1:]} with --resume last (a demo: with the same command)", 130
    if names & {"TrainingError", "SolveError", "TrackingError"}:
        return f"Error: {error}", 1
    if names & {"MemoryError", "OutOfMemoryError"}:
        first = str(error).partition("\n")[0]
        return f"Error: out of memory{f' ({first})' if first else ''}; use a smaller batch or smaller patterns", 1
    if names & {"CheckpointError", "ValueError", "FileNotFoundError", "FileExistsError", "PermissionError"}:
        return f"Error: {error}", 2
    if "MlflowException" in names or "OSError" in names:
        return f"Error: {str(error).splitlines()[0]}", 1
    return None
