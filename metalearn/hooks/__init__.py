"""Start other tools' searches from a recommendation, and read their results back: one module per tool."""

from types import ModuleType

from metalearn._registry import Registry
from metalearn.hooks.base import Hook
from metalearn.hooks.report import Change, Drop, Seed, SeedReport

__all__ = ["Change", "Drop", "Hook", "Seed", "SeedReport", "get_hook", "hook_names"]

_REGISTRY: Registry[Hook] = Registry("metalearn.hooks", "hook", Hook)  # type: ignore[type-abstract]


def hook_names() -> tuple[str, ...]:
    """List the names of all registered hooks, without importing any tool.

    Returns
    -------
    tuple of str
        In alphabetical order.
    """
    return _REGISTRY.names


def get_hook(name: str) -> Hook | ModuleType:
    """Return the hook of a tool.

    Parameters
    ----------
    name : str
        The tool's name, such as ``"optuna"``.

    Returns
    -------
    Hook
        A module with the functions ``seed``, ``tell``, ``harvest`` and ``verify``.

    Raises
    ------
    UnknownNameError
        If there is no hook of the name.
    """
    return _REGISTRY.get(name)
