"""The table that a user brings: read from a file, brought into one form, its columns told apart."""

__all__: list[str] = []  # its modules are imported one by one
