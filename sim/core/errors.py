"""Errors that something a user wrote can cause; the text of each is one line that a person can act on."""


class DynmechError(Exception):
    """Base of every error that a user's input can cause.

    Notes
    -----
    The text is one line: what is wrong, where, and what would be right. The command line prints it and ends with exit
    code 2.

    Examples
    --------
    >>> import dynmech as dm
    >>> try:
    ...     dm.load("oil-leases:periods=0.5")
    ... except dm.DynmechError as error:
    ...     print(type(error).__name__)
    InputError
    """


class InputError(DynmechError):
    """A file, an option or a name is wrong."""


class Refusal(DynmechError):
    """A mechanism does not fit this environment; the text says which condition fails, and where."""


class FalseDeclaration(Refusal):
    """A mechanism's rules do not do what it declares; the text says which declaration, and where."""


class PlayError(DynmechError):
    """A strategy or a mechanism broke the rules of play; the text names it, the agent, the period and the value."""


class WorkerDied(PlayError):
    """A piece of work was ended from outside, again and again: nothing is known about it, and nobody is to blame."""


class StorageError(DynmechError):
    """A file of the run cannot be written (a full disk, a missing right); what is written stays."""
