"""Which exceptions are a user's to mend, and the exit code each ends with: 2 usage, 1 failure, 130 stopped.

Pure; it raises and prints nothing.
"""

from __future__ import annotations

import errno

_ELSEWHERE = "; choose another place"

_REMEDIES = {
    errno.ENOENT: "; check the path",
    errno.EEXIST: _ELSEWHERE,
    errno.ENOTDIR: _ELSEWHERE,
    errno.EISDIR: _ELSEWHERE,
    errno.EACCES: "; see that you may read and write there, or choose another place",
    errno.EPERM: "; see that you may read and write there, or choose another place",
    errno.EROFS: _ELSEWHERE,
}
"""What a user can do about a file or folder that the system refuses: mistakes of usage, all of them."""


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
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"Error: {error.filename}: {error.strerror}{_REMEDIES.get(error.errno or 0, '')}", (
            2 if error.errno in _REMEDIES else 1
        )
    if names & {"CheckpointError", "ValueError", "FileNotFoundError", "FileExistsError", "PermissionError"}:
        return f"Error: {error}", 2
    if "MlflowException" in names or "OSError" in names:
        return f"Error: {str(error).splitlines()[0]}", 1
    return None
